/* verify_text.c - what verify found, for people: see verify_report.h. */
#include "base/timestamp.h"
#include "base/value_text.h"
#include "cli/progress.h"
#include "cli/screen.h"
#include "cli/table.h"
#include "cli/verify_report.h"

#include <stdio.h>

enum { VALUE_COLUMNS = 60, VALUES_SHOWN = 6 };

static const char *const names[] = {
    [VERDICT_NONE] = "none",           [VERDICT_EQUAL] = "equal",
    [VERDICT_BEHIND] = "behind",       [VERDICT_MISSING] = "missing",
    [VERDICT_EXTRA] = "extra",         [VERDICT_STALE] = "stale",
    [VERDICT_DIFFERENT] = "different", [VERDICT_AMBIGUOUS] = "ambiguous",
};

const char *verdict_name(enum verdict verdict)
{
    return names[verdict];
}

const char *verify_reason(const struct verified_view *view, struct arena *arena)
{
    const char *reason = view->reason ? view->reason : "it has changed";
    switch (view->state) {
    case VERIFY_NEVER:
        return "it was never materialized; larder materialize fills it";
    case VERIFY_STALE:
        return arena_printf(arena, "it is stale: %s; larder materialize rewrites it whole", reason);
    case VERIFY_PENDING:
        return arena_printf(arena, "it is served as before: %s; larder materialize rebuilds it",
                            reason);
    default:
        return "others have changed it meanwhile; run larder verify again";
    }
}

/* The table ----------------------------------------------------------------------------------- */

static void add_view(struct table *table, const struct verified_view *view)
{
    static const enum verdict shown[] = {VERDICT_BEHIND, VERDICT_MISSING,   VERDICT_EXTRA,
                                         VERDICT_STALE,  VERDICT_DIFFERENT, VERDICT_AMBIGUOUS};
    char texts[COUNT_OF(shown)][COUNT_TEXT_SIZE], keys[COUNT_TEXT_SIZE];
    const char *cells[COUNT_OF(shown) + 2] = {view->view, count_format(view->keys, keys)};
    for (size_t i = 0; i < COUNT_OF(shown); i++)
        cells[i + 2] = count_format(view->counts[shown[i]], texts[i]);
    table_add(table, cells);
    for (size_t i = 0; i < COUNT_OF(shown); i++) {
        if (view->counts[shown[i]] == 0)
            continue;
        if (verdict_is_difference(shown[i]))
            table_paint(table, i + 2, PAINT_BAD);
        else if (shown[i] == VERDICT_AMBIGUOUS)
            table_paint(table, i + 2, PAINT_CARE);
    }
}

static void print_table(const struct verify_report *report, struct arena *arena)
{
    static const char *const titles[] = {"FEATURE VIEW", "KEYS",  "BEHIND",    "MISSING",
                                         "EXTRA",        "STALE", "DIFFERENT", "AMBIGUOUS"};
    static const bool right[] = {false, true, true, true, true, true, true, true};
    struct table table;
    bool has_rows = false;
    table_init(&table, arena, COUNT_OF(titles), titles, right);
    table.gives_way = 0;
    for (size_t i = 0; i < report->count; i++) {
        if (report->views[i].state != VERIFY_COMPARED)
            continue;
        add_view(&table, &report->views[i]);
        has_rows = true;
    }
    if (has_rows)
        table_print(&table, stdout, "");
}

/* Keys ---------------------------------------------------------------------------------------- */

static void append_value(struct buffer *text, const struct value *value, struct arena *arena)
{
    struct buffer whole;
    if (value->is_null) {
        buffer_append_text(text, "null");
        return;
    }
    buffer_init(&whole, 0);
    value_format(value, &whole);
    buffer_append_text(text,
                       text_cut(arena_text_of(arena, buffer_bytes(&whole)), VALUE_COLUMNS, arena));
    buffer_release(&whole);
}

static void append_key(struct buffer *text, const struct verified_view *view,
                       const struct verified_key *key, struct arena *arena)
{
    for (size_t i = 0; key->keys && i < view->key_count; i++) {
        buffer_printf(text, "%s%s=", i ? ", " : "", view->key_names[i]);
        append_value(text, &key->keys[i], arena);
    }
    if (!key->keys)
        buffer_append_text(text, "a key that cannot be read");
}

static void append_time(struct buffer *text, int64_t us)
{
    char time[TIMESTAMP_TEXT_SIZE];
    if (timestamp_in_range(us))
        buffer_append(text, time, timestamp_format(us, time));
    else
        buffer_append_text(text, "no time");
}

static void append_values(struct buffer *text, const struct verified_key *key, struct arena *arena)
{
    for (size_t i = 0; i < key->value_count && i < VALUES_SHOWN; i++) {
        const struct verified_value *value = &key->values[i];
        buffer_printf(text, "%s%s ", i ? "; " : "", value->feature);
        if (value->is_lacking)
            buffer_append_text(text, "nothing");
        else
            append_value(text, &value->online, arena);
        buffer_append_text(text, " online, ");
        append_value(text, &value->history, arena);
        buffer_append_text(text, " in history");
    }
    if (key->value_count > VALUES_SHOWN)
        buffer_printf(text, "; and %zu more features", key->value_count - VALUES_SHOWN);
}

/* "online is a row of T, history has one of T" */
static void append_rows(struct buffer *text, const struct verified_key *key)
{
    if (key->has_online) {
        buffer_append_text(text, "online is a row of ");
        append_time(text, key->online_us);
        buffer_append_text(text, ", ");
    }
    if (key->has_history) {
        buffer_append_text(text, "history has one of ");
        append_time(text, key->history_us);
    } else {
        buffer_append_text(text, "history has none");
    }
}

static void print_key(const struct verified_view *view, const struct verified_key *key,
                      struct arena *arena)
{
    struct buffer text;
    buffer_init(&text, 0);
    buffer_printf(&text, "%s: %s: ", view->view, names[key->verdict]);
    append_key(&text, view, key, arena);
    buffer_append_text(&text, ": ");
    if (key->problem)
        buffer_printf(&text, "what is online cannot be read: %s", key->problem);
    else if (key->value_count)
        append_values(&text, key, arena);
    else
        append_rows(&text, key);
    text_wrap(stdout, arena_text_of(arena, buffer_bytes(&text)), 0, 2, "");
    buffer_release(&text);
}

/* Notes --------------------------------------------------------------------------------------- */

static void print_features(const struct verified_view *view, const char *what,
                           const uint64_t *counts, struct arena *arena)
{
    struct buffer text;
    size_t found = 0;
    buffer_init(&text, 0);
    for (size_t i = 0; i < view->feature_count; i++) {
        char count[COUNT_TEXT_SIZE];
        if (counts[i] == 0)
            continue;
        buffer_printf(&text, "%s%s %s", found++ ? ", " : "", view->features[i],
                      count_format(counts[i], count));
    }
    if (found)
        text_wrap(stdout,
                  arena_printf(arena, "%s: %s: %.*s", view->view, what, (int)text.size,
                               (const char *)text.data),
                  0, 2, "");
    buffer_release(&text);
}

static void print_count(const struct verified_view *view, const char *what, uint64_t count,
                        struct arena *arena)
{
    char text[COUNT_TEXT_SIZE];
    if (count)
        text_wrap(stdout,
                  arena_printf(arena, "%s: %s: %s", view->view, what, count_format(count, text)), 0,
                  2, "");
}

static void print_view(const struct verified_view *view, struct arena *arena)
{
    if (view->share < 1)
        text_wrap(stdout,
                  arena_printf(arena,
                               "%s: these are about 1 key in %.0f; --sample all compares every one",
                               view->view, 1 / view->share),
                  0, 2, "");
    print_count(view, "rows left out for a null or infinite event time, or a null key",
                view->left_out, arena);
    print_count(view, "rows left out for a key longer than 480 bytes", view->long_keys, arena);
    print_count(view, "values that do not fit their feature, and read as null", view->misfits,
                arena);
    print_features(view, "keys that differ, by feature", view->different, arena);
    print_features(view, "keys whose rows of one time differ, by feature", view->ambiguous, arena);
    for (size_t i = 0; i < view->shown_count; i++)
        print_key(view, &view->shown[i], arena);
}

void verify_report_print(const struct verify_report *report, struct arena *arena)
{
    print_table(report, arena);
    for (size_t i = 0; i < report->count; i++)
        if (report->views[i].state == VERIFY_COMPARED)
            print_view(&report->views[i], arena);
}
