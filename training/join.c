/* join.c - see join.h. */
#include "training/join.h"

#include "base/entity_key.h"
#include "base/timestamp.h"
#include "training/ask_log.h"
#include "training/history_readers.h"
#include "training/pass.h"

#include <stdlib.h>

/* Counting what is left out may take so long, or that share of what answering takes. */
static const double counted_within_us = 100000, counted_share = 0.2;
enum { LOG_SHARE = 4 }; /* of the memory, a quarter keeps the rows that ask in their order */

/* Some of the views, with their features: what one strategy answers. */
struct share {
    struct selection selection;
    struct join_request request;
    size_t *places;             /* [selection.view_count]: in the whole selection */
    double *row_bytes;          /* [selection.view_count] */
    struct joined_view *joined; /* [selection.view_count], of a pass */
};

struct training_join {
    struct offline_store *store;
    struct join_request request;
    struct join_options options;
    struct arena arena; /* as long as the join */
    struct spill spill;
    struct ask_log log;
    struct ask_log_reader asking, answering; /* for the probes, and for the answers */
    bool *probed;                            /* [view_count] */
    struct join_estimate *estimates;         /* [view_count] */
    struct share probes, passed;
    struct offline_join *join; /* of the probes; NULL: there are none */
    struct pass *pass;         /* NULL: nothing is passed */
    enum status failed;
    struct joined_view *joined;
    struct joined_row row;
    struct join_counts counts;
};

enum status training_join_open(struct offline_store *store, const struct join_request *request,
                               const struct join_options *options, struct training_join **opened,
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
    join->options = *options;
    if (join->options.memory_bytes == 0)
        join->options.memory_bytes = TRAINING_MEMORY_DEFAULT;
    arena_init(&join->arena, 0);
    spill_init(&join->spill, (size_t)join->options.memory_bytes / LOG_SHARE);
    ask_log_init(&join->log, request->selection, &join->spill);
    join->probed = arena_array(&join->arena, count, sizeof *join->probed);
    join->estimates = arena_array(&join->arena, count, sizeof *join->estimates);
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
    struct join_estimate *estimate = &join->estimates[view];
    enum status status = offline_join_estimate(
        join->store, &join->request, view, join->log.first_us, join->log.last_us, estimate, err);
    double probes_us = (double)join->log.count * estimate->probe_us;
    join->probed[view] =
        join->options.strategy == JOIN_PROBE ||
        (join->options.strategy == JOIN_BY_COST && probes_us < estimate->stream_us);
    return status;
}

/*
 * To count what is left out is to read every source whole, which few probes into a large one are
 * not to wait for. It is left, where it would cost much beside the answers.
 */
static void choose_to_count(struct training_join *join)
{
    double counting_us = 0, answering_us = 0;
    for (size_t v = 0; v < join->request.selection->view_count; v++) {
        const struct join_estimate *estimate = &join->estimates[v];
        counting_us += estimate->count_us;
        answering_us +=
            join->probed[v] ? (double)join->log.count * estimate->probe_us : estimate->stream_us;
    }
    join->request.leaves_uncounted =
        counting_us > counted_within_us && counting_us > answering_us * counted_share;
}

/* Begins the transaction that answers. */
static enum status choose(struct training_join *join, struct error *err)
{
    ask_log_finish(&join->log);
    enum status status = offline_store_begin(join->store, NULL, err);
    for (size_t v = 0; v < join->request.selection->view_count && !status; v++)
        status = choose_view(join, v, err);
    if (!status)
        choose_to_count(join);
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
    share->row_bytes = arena_array(&join->arena, whole->view_count, sizeof *share->row_bytes);
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
        share->row_bytes[number] = join->estimates[v].row_bytes;
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

static struct pass_limits limits_of(struct training_join *join)
{
    return (struct pass_limits){
        .memory_bytes = (size_t)join->options.memory_bytes,
        .row_bytes = join->passed.row_bytes,
        .spill = &join->spill,
        .stop = join->options.stop,
    };
}

/* Explaining ---------------------------------------------------------------------------------- */

static size_t count_parts(struct training_join *join)
{
    take_share(join, false, &join->passed);
    const struct pass_limits limits = limits_of(join);
    if (join->passed.selection.view_count == 0)
        return 0;
    return pass_part_count(&join->passed.request, &limits, &join->log);
}

static const char *reason(const struct training_join *join, size_t view)
{
    const struct join_estimate *estimate = &join->estimates[view];
    if (join->options.strategy != JOIN_BY_COST)
        return "as --strategy says";
    if (!join->probed[view])
        return estimate->is_served ? "it asks much, so that reading history once costs less"
                                   : "no index serves, so that history is read once";
    return estimate->is_served ? "an index serves, and few rows ask for so much history"
                               : "the source is small, so that no index is needed";
}

enum status training_join_explain(struct training_join *join, struct arena *arena,
                                  struct join_explanation *explanation, struct error *err)
{
    const struct selection *selection = join->request.selection;
    enum status status = choose(join, err);
    offline_store_end(join->store);
    if (status)
        return status;
    struct explained_view *views = arena_array(arena, selection->view_count, sizeof *views);
    for (size_t v = 0; v < selection->view_count; v++) {
        const struct feature_view *view = selection->views[v].view;
        int64_t reach_us =
            timestamp_add(view->ttl_us, join->request.with_status ? INT64_C(86400000000) : 0);
        views[v] = (struct explained_view){
            .name = selection->views[v].alias ? selection->views[v].alias : view->about.name,
            .strategy = join->probed[v] ? JOIN_PROBE : JOIN_PASS,
            .reason = reason(join, v),
            .is_served = join->estimates[v].is_served,
            .rows = (uint64_t)join->estimates[v].rows,
            .probe_ms = (double)join->log.count * join->estimates[v].probe_us / 1e3,
            .pass_ms = join->estimates[v].stream_us / 1e3,
            .from_us = view->ttl_us && join->log.count
                           ? timestamp_subtract(join->log.first_us, reach_us)
                           : INT64_MIN,
            .to_us = join->log.last_us,
        };
    }
    *explanation = (struct join_explanation){
        .asks = join->log.count,
        .views = views,
        .view_count = selection->view_count,
        .leaves_uncounted = join->request.leaves_uncounted,
        .pass_parts = count_parts(join),
    };
    return STATUS_OK;
}

/* Running ------------------------------------------------------------------------------------- */

static enum status next_ask(void *context, const struct value **keys, int64_t *at_us,
                            struct error *err)
{
    return ask_log_next(context, keys, at_us, err);
}

static enum status probe(struct training_join *join, struct error *err)
{
    const struct join_asks asks = {join->log.count, &join->asking, next_ask};
    ask_log_reader_init(&join->asking, &join->log);
    return offline_join_open(join->store, &join->probes.request, &asks, history_reader_count(),
                             &join->join, err);
}

static enum status pass_over(struct training_join *join, struct error *err)
{
    const struct pass_limits limits = limits_of(join);
    return pass_run(join->store, &join->passed.request, &limits, &join->log, &join->pass, err);
}

/* The pass has read all that it wants by its end; probes go on while they answer. */
static enum status run(struct training_join *join, struct error *err)
{
    enum status status = choose(join, err);
    take_share(join, true, &join->probes);
    take_share(join, false, &join->passed);
    if (!status && join->passed.selection.view_count > 0)
        status = pass_over(join, err);
    if (!status && join->probes.selection.view_count > 0)
        status = probe(join, err);
    if (!join->join)
        offline_store_end(join->store);
    ask_log_reader_init(&join->answering, &join->log);
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
    enum status status = ask_log_next(&join->answering, &keys, &at_us, err);
    if (!status)
        status = take_probed(join, err);
    if (!status && !keys)
        offline_store_end(join->store);
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
    sum->is_uncounted = sum->is_uncounted || counts->is_uncounted;
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

uint64_t training_join_put_aside(const struct training_join *join)
{
    return (uint64_t)atomic_load(&join->spill.file_size);
}

void training_join_close(struct training_join *join)
{
    if (!join)
        return;
    pass_close(join->pass);
    offline_join_close(join->join);
    offline_store_end(join->store);
    ask_log_reader_release(&join->asking);
    ask_log_reader_release(&join->answering);
    ask_log_release(&join->log);
    spill_release(&join->spill);
    arena_release(&join->arena);
    free(join);
}
