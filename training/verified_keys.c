/* verified_keys.c - see verified_keys.h. */
#include "training/verified_keys.h"

#include "base/entity_key.h"
#include "base/timestamp.h"
#include "training/served_row.h"

#include <stdlib.h>

void verified_keys_init(struct verified_keys *verified, const struct catalog_view *view,
                        size_t show, struct arena *arena)
{
    size_t feature_count = view->view->feature_count;
    *verified = (struct verified_keys){.arena = arena, .view = view, .show = show};
    verified->different = arena_array(arena, feature_count, sizeof *verified->different);
    verified->ambiguous = arena_array(arena, feature_count, sizeof *verified->ambiguous);
}

/* The next run reads a row again that is no older than the lookback, by either of its times. */
static bool is_recent(const struct verified_keys *verified, const struct sampled_key *key,
                      const struct view_state *state)
{
    struct row_times seen = key->comparison.seen;
    int64_t from_us =
        timestamp_subtract(state->watermark_us, verified->view->view->source->lookback_us);
    return (key->verdict == VERDICT_MISSING || key->verdict == VERDICT_STALE) &&
           (seen.event_us > from_us || seen.created_us > from_us);
}

/* What both rows say of a feature; false: the same. */
static bool find_difference(const struct feature_view *view, const struct served_row *online,
                            const struct served_row *history, size_t feature,
                            struct verified_value *value)
{
    *value = (struct verified_value){.feature = view->features[feature].name};
    value->is_lacking = !served_row_value(online, view, feature, &value->online);
    served_row_value(history, view, feature, &value->history);
    return value->is_lacking || !value_equal(&value->online, &value->history);
}

static void count_features(struct verified_keys *verified, const struct sampled_key *key)
{
    const struct catalog_view *view = verified->view;
    uint64_t *counts =
        key->verdict == VERDICT_AMBIGUOUS ? verified->ambiguous : verified->different;
    struct served_row online, history;
    bool is_unreadable = key->comparison.is_unreadable;
    if (!is_unreadable) {
        served_row_open(view, key->served, &online, NULL);
        served_row_open(view, key->other, &history, NULL);
    }
    for (size_t i = 0; i < view->view->feature_count; i++) {
        struct verified_value value;
        counts[i] += is_unreadable || find_difference(view->view, &online, &history, i, &value);
    }
}

static void count_key(struct verified_keys *verified, const struct sampled_key *key,
                      const struct view_state *state)
{
    verified->keys += key->verdict != VERDICT_NONE;
    verified->counts[key->verdict]++;
    verified->recent += is_recent(verified, key, state);
    if (key->verdict == VERDICT_DIFFERENT || key->verdict == VERDICT_AMBIGUOUS)
        count_features(verified, key);
}

/* Keys to show ------------------------------------------------------------------------------- */

static struct value copy_value(struct verified_keys *verified, struct value value)
{
    if (!value.is_null && type_width(value.type) == 0)
        value.bytes = arena_bytes(verified->arena, value.bytes);
    return value;
}

static void show_values(struct verified_keys *verified, const struct sampled_key *key,
                        struct verified_key *shown)
{
    const struct feature_view *view = verified->view->view;
    struct served_row online, history;
    if (served_row_open(verified->view, key->served, &online, NULL) ||
        served_row_open(verified->view, key->other, &history, NULL))
        return;
    struct verified_value *values =
        arena_array(verified->arena, view->feature_count, sizeof *values);
    for (size_t i = 0; i < view->feature_count; i++) {
        struct verified_value *value = &values[shown->value_count];
        if (!find_difference(view, &online, &history, i, value))
            continue;
        value->feature = arena_text(verified->arena, value->feature);
        value->online = copy_value(verified, value->online);
        value->history = copy_value(verified, value->history);
        shown->value_count++;
    }
    shown->values = values;
}

static const struct value *show_keys(struct verified_keys *verified, struct bytes key)
{
    const struct feature_view *view = verified->view->view;
    value_type *types = arena_array(verified->arena, view->key_count, sizeof *types);
    struct value *values = arena_array(verified->arena, view->key_count, sizeof *values);
    for (size_t i = 0; i < view->key_count; i++)
        types[i] = view->keys[i].type;
    return entity_key_values(key, types, view->key_count, verified->arena, values) ? values : NULL;
}

/* The row that ought to be served: that with the times of the served one, the latest that the last
 * run has to have seen, or, where what is served is none of history's, whatever history has. */
static void show_times(const struct comparison *comparison, struct verified_key *shown)
{
    shown->has_online = comparison->has_served && !comparison->is_unreadable;
    shown->online_us = comparison->served.event_us;
    shown->has_history = true;
    if (comparison->is_unequal) {
        shown->history_us = comparison->served.event_us;
    } else if (comparison->has_seen) {
        shown->history_us = comparison->seen.event_us;
    } else {
        shown->has_history = comparison->has_latest;
        shown->history_us = comparison->latest.event_us;
    }
}

static void show(struct verified_keys *verified, const struct sampled_key *key)
{
    enum verdict verdict = key->verdict;
    if (verified->shown_count[verdict] == verified->show)
        return;
    if (!verified->shown[verdict])
        verified->shown[verdict] =
            arena_array(verified->arena, verified->show, sizeof **verified->shown);
    struct verified_key *shown = &verified->shown[verdict][verified->shown_count[verdict]++];
    *shown = (struct verified_key){.verdict = verdict};
    shown->keys = show_keys(verified, key->key);
    show_times(&key->comparison, shown);
    if (key->other.data)
        show_values(verified, key, shown);
    struct error err;
    struct served_row row;
    if (key->comparison.is_unreadable && served_row_open(verified->view, key->served, &row, &err))
        shown->problem = arena_text(verified->arena, err.message);
}

static bool is_counted(const struct sampled_key *key, bool is_final)
{
    return is_final || !verdict_is_difference(key->verdict);
}

static bool is_shown(const struct sampled_key *key)
{
    return verdict_is_difference(key->verdict) || key->verdict == VERDICT_AMBIGUOUS;
}

static int compare_hashes(const void *a, const void *b)
{
    const struct sampled_key *x = *(const struct sampled_key *const *)a;
    const struct sampled_key *y = *(const struct sampled_key *const *)b;
    return (x->hash > y->hash) - (x->hash < y->hash);
}

void verified_keys_count(struct verified_keys *verified, const struct key_sample *sample,
                         const struct view_state *state, bool is_final)
{
    const struct sampled_key **some = calloc(sample->count + 1, sizeof *some);
    size_t count = 0;
    if (!some)
        out_of_memory();
    for (size_t i = 0; i < sample->count; i++) {
        const struct sampled_key *key = &sample->keys[i];
        if (!is_counted(key, is_final))
            continue;
        count_key(verified, key, state);
        if (is_shown(key))
            some[count++] = key;
    }
    qsort(some, count, sizeof(const struct sampled_key *), compare_hashes);
    for (size_t i = 0; i < count; i++)
        show(verified, some[i]);
    free(some);
}

/* The report ---------------------------------------------------------------------------------- */

static const struct verified_key *join_shown(const struct verified_keys *verified, size_t *count)
{
    struct verified_key *all =
        arena_array(verified->arena, VERDICT_COUNT * verified->show + 1, sizeof *all);
    *count = 0;
    for (size_t i = 0; i < VERDICT_COUNT; i++)
        for (size_t j = 0; j < verified->shown_count[i]; j++)
            all[(*count)++] = verified->shown[i][j];
    return all;
}

void verified_keys_report(const struct verified_keys *verified, struct verified_view *report)
{
    const struct feature_view *view = verified->view->view;
    const char **keys = arena_array(verified->arena, view->key_count, sizeof *keys);
    const char **features = arena_array(verified->arena, view->feature_count, sizeof *features);
    for (size_t i = 0; i < view->key_count; i++)
        keys[i] = arena_text(verified->arena, view->keys[i].name);
    for (size_t i = 0; i < view->feature_count; i++)
        features[i] = arena_text(verified->arena, view->features[i].name);
    report->key_names = keys;
    report->key_count = view->key_count;
    report->features = features;
    report->feature_count = view->feature_count;
    report->keys = verified->keys;
    memcpy(report->counts, verified->counts, sizeof report->counts);
    report->recent = verified->recent;
    report->different = verified->different;
    report->ambiguous = verified->ambiguous;
    report->shown = join_shown(verified, &report->shown_count);
}
