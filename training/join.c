/* join.c - see join.h. */
#include "training/join.h"

#include "base/entity_key.h"
#include "base/timestamp.h"
#include "training/ask_log.h"
#include "training/pass.h"

#include <stdlib.h>

/* Some of the views, with their features: what one strategy answers. */
struct share {
    struct selection selection;
    struct join_request request;
    size_t *places;             /* [selection.view_count]: in the whole selection */
    struct joined_view *joined; /* [selection.view_count], of a pass */
};

struct training_join {
    struct offline_store *store;
    struct join_request request;
    enum join_strategy strategy;
    struct arena arena; /* as long as the join */
    struct spill spill;
    struct ask_log log;
    bool *probed; /* [view_count] */
    struct share probes, passed;
    struct offline_join *join; /* of the probes; NULL: there are none */
    struct pass *pass;         /* NULL: nothing is passed */
    enum status failed;
    struct joined_view *joined;
    struct joined_row row;
    struct join_counts counts;
};

enum status training_join_open(struct offline_store *store, const struct join_request *request,
                               enum join_strategy strategy, struct training_join **opened,
                               struct error *err)
{
    *opened = NULL;
    enum status status = offline_join_check(store, request, err);
    if (status)
        return status;
    struct training_join *join = calloc(1, sizeof *join);
    if (!join)
        out_of_memory();
    size_t count = request->selection->view_count;
    join->store = store;
    join->request = *request;
    join->strategy = strategy;
    arena_init(&join->arena, 0);
    spill_init(&join->spill, SIZE_MAX);
    ask_log_init(&join->log, request->selection, &join->spill);
    join->probed = arena_array(&join->arena, count, sizeof *join->probed);
    join->joined = arena_array(&join->arena, count, sizeof *join->joined);
    join->row.views = join->joined;
    *opened = join;
    return STATUS_OK;
}

enum status training_join_ask(struct training_join *join, const struct value *keys, int64_t at_us,
                              struct error *err)
{
    if (!timestamp_in_range(at_us))
        return fail(err, STATUS_INVALID, "a row asks for a time outside the years 1 to 9999");
    return ask_log_add(&join->log, keys, at_us, err);
}

/* Choosing ------------------------------------------------------------------------------------ */

static enum status choose_view(struct training_join *join, size_t view, struct error *err)
{
    struct join_estimate estimate;
    if (join->strategy != JOIN_BY_COST) {
        join->probed[view] = join->strategy == JOIN_PROBE;
        return STATUS_OK;
    }
    enum status status = offline_join_estimate(
        join->store, &join->request, view, join->log.first_us, join->log.last_us, &estimate, err);
    join->probed[view] = !status && estimate.can_probe &&
                         (double)join->log.count * estimate.probe_us < estimate.stream_us;
    return status;
}

static enum status choose(struct training_join *join, struct error *err)
{
    enum status status = offline_store_begin(join->store, NULL, err);
    for (size_t v = 0; v < join->request.selection->view_count && !status; v++)
        status = choose_view(join, v, err);
    offline_store_end(join->store);
    return status;
}

/* The views that are, or are not, probed. */
static void take_share(struct training_join *join, bool probed, struct share *share)
{
    const struct selection *whole = join->request.selection;
    struct selected_view *views = arena_array(&join->arena, whole->view_count, sizeof *views);
    struct selected_feature *features =
        arena_array(&join->arena, whole->feature_count, sizeof *features);
    struct entity_key_ids *ids = arena_array(&join->arena, whole->view_count, sizeof *ids);
    uint16_t *numbers = arena_array(&join->arena, whole->view_count, sizeof *numbers);
    share->places = arena_array(&join->arena, whole->view_count, sizeof *share->places);
    share->joined = arena_array(&join->arena, whole->view_count, sizeof *share->joined);
    share->selection = (struct selection){whole->keys, whole->key_count, views, 0, features, 0};
    for (size_t v = 0; v < whole->view_count; v++) {
        size_t number = share->selection.view_count;
        if (join->probed[v] != probed)
            continue;
        views[number] = whole->views[v];
        ids[number] = join->request.key_ids[v];
        numbers[v] = (uint16_t)number;
        share->places[number] = v;
        share->selection.view_count++;
    }
    for (size_t f = 0; f < whole->feature_count; f++) {
        if (join->probed[whole->features[f].view] != probed)
            continue;
        features[share->selection.feature_count] = whole->features[f];
        features[share->selection.feature_count++].view = numbers[whole->features[f].view];
    }
    share->request = join->request;
    share->request.selection = &share->selection;
    share->request.key_ids = ids;
}

/* Running ------------------------------------------------------------------------------------- */

static enum status send_asks(struct training_join *join, struct error *err)
{
    enum status status = offline_join_open(join->store, &join->probes.request, &join->join, err);
    ask_log_rewind(&join->log);
    while (!status) {
        const struct value *keys;
        int64_t at_us;
        status = ask_log_next(&join->log, &keys, &at_us, err);
        if (!status && !keys)
            return offline_join_asked(join->join, err);
        if (!status)
            status = offline_join_ask(join->join, keys, at_us, err);
    }
    return status;
}

static enum status run(struct training_join *join, struct error *err)
{
    enum status status = choose(join, err);
    take_share(join, true, &join->probes);
    take_share(join, false, &join->passed);
    if (!status && join->probes.selection.view_count > 0)
        status = send_asks(join, err);
    if (!status)
        status = offline_store_begin(join->store, NULL, err);
    if (!status && join->passed.selection.view_count > 0)
        status = pass_run(join->store, &join->passed.request, &join->log, &join->pass, err);
    if (!status && join->join)
        status = offline_join_run(join->join, err);
    if (!join->join)
        offline_store_end(join->store);
    ask_log_rewind(&join->log);
    return status;
}

enum status training_join_run(struct training_join *join, struct error *err)
{
    return join->failed = run(join, err);
}

/* Answers ------------------------------------------------------------------------------------- */

static enum status take_probed(struct training_join *join, struct error *err)
{
    const struct joined_row *row = NULL;
    if (!join->join)
        return STATUS_OK;
    enum status status = offline_join_next(join->join, &row, err);
    for (size_t v = 0; v < join->probes.selection.view_count && row; v++)
        join->joined[join->probes.places[v]] = row->views[v];
    return status;
}

static enum status take_passed(struct training_join *join, const struct value *keys, int64_t at_us,
                               struct error *err)
{
    struct share *share = &join->passed;
    if (!join->pass)
        return STATUS_OK;
    enum status status = pass_next(join->pass, keys, at_us, share->joined, err);
    for (size_t v = 0; v < share->selection.view_count; v++)
        join->joined[share->places[v]] = share->joined[v];
    return status;
}

static enum status next_row(struct training_join *join, const struct joined_row **row,
                            struct error *err)
{
    const struct value *keys;
    int64_t at_us;
    enum status status = ask_log_next(&join->log, &keys, &at_us, err);
    if (!status)
        status = take_probed(join, err);
    if (status || !keys)
        return status;
    status = take_passed(join, keys, at_us, err);
    if (!status)
        *row = &join->row;
    return status;
}

enum status training_join_next(struct training_join *join, const struct joined_row **row,
                               struct error *err)
{
    *row = NULL;
    if (join->failed)
        return fail(err, join->failed, "joining features: it has failed before");
    return join->failed = next_row(join, row, err);
}

static void add_counts(struct join_counts *sum, const struct join_counts *counts)
{
    sum->left_out += counts->left_out;
    sum->long_keys += counts->long_keys;
    sum->unknown_created += counts->unknown_created;
    sum->misfits += counts->misfits;
}

const struct join_counts *training_join_counts(struct training_join *join)
{
    join->counts = (struct join_counts){0};
    if (join->join)
        add_counts(&join->counts, offline_join_counts(join->join));
    if (join->pass)
        add_counts(&join->counts, pass_counts(join->pass));
    return &join->counts;
}

void training_join_close(struct training_join *join)
{
    if (!join)
        return;
    pass_close(join->pass);
    offline_join_close(join->join);
    ask_log_release(&join->log);
    spill_release(&join->spill);
    arena_release(&join->arena);
    free(join);
}
