/* view_job.c - see view_job.h. The functions below are the steps of a run, in order. */
#include "materializer/view_job.h"

#include "base/entity_key.h"
#include "base/timestamp.h"
#include "materializer/earlier_state.h"
#include "materializer/lost_rows.h"
#include "materializer/row_writer.h"
#include "materializer/window.h"

#include <time.h>

enum {
    BATCH_ROWS = 250000,
    BATCH_BYTES = 64 * 1024 * 1024,
    PROGRESS_EVERY_ROWS = 4096,
    PROGRESS_EVERY_US = 200000,
    WAIT_MS = 100,
    WAIT_TOLD_MS = 1000, /* after this long, say what is waited for */
};

/* The mark of a run that has begun tells, when all is written, whether the store still is the one
 * that the first rows went to; the other one is for the runs to come. */
static const char begun_name[] = BEGUN_MARK, done_name[] = WRITTEN_MARK;

static const char lost_writes[] = "the online store lost writes";

struct view_job {
    const struct materialize_stores *stores;
    const struct materialize_request *request;
    const struct catalog *catalog;
    const struct catalog_view *view;
    const struct view_schema *schema;
    const struct view_state *state;
    struct arena *arena;
    struct view_run *run;
    struct window window;
    uint32_t generation;                       /* that its rows go into */
    char incarnation[ONLINE_INCARNATION_SIZE]; /* of the online store, when the first row went */
    int64_t sampled_position; /* of this run's own sample, taken before the snapshot */
    int64_t position;         /* all committed at or before it is visible to the scan */
    struct buffer key, row;
    int64_t told_us; /* when progress was last told */
};

static bool is_stopped(const struct materialize_request *request)
{
    return request->stop && atomic_load(request->stop);
}

static enum status stopped(const struct view_state *state, struct error *err)
{
    bool goes_on = state->has_watermark && !state->stale_version;
    return fail(err, STATUS_CANCELLED, "stopped; what was written stays, and the next run %s",
                goes_on ? "goes on from the last watermark" : "begins anew");
}

void request_warn(const struct materialize_request *request, const char *text)
{
    if (request->listener.warning)
        request->listener.warning(request->listener.context, text);
}

static void sleep_ms(long ms)
{
    struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&time, NULL);
}

static struct online_mark job_mark(const struct view_job *job, const char *writer,
                                   uint32_t generation)
{
    return (struct online_mark){
        .writer = writer,
        .project_id = job->catalog->project_id,
        .view_id = job->view->id,
        .generation = generation,
        .position = job->position,
    };
}

/* What the store remembers of the runs before: one that lost acknowledged writes has a mark behind
 * what the registry remembers. */
static enum status look_at_mark(struct view_job *job, bool *lost, struct error *err)
{
    const struct online_mark mark = job_mark(job, done_name, job->view->generation);
    int64_t position;
    enum status status = online_store_read_marks(job->stores->online, &mark, 1, &position, err);
    if (status)
        return status;
    *lost = job->generation == job->view->generation && is_behind(position, job->state);
    if (!*lost)
        return STATUS_OK;
    return registry_mark_stale(job->stores->registry, job->catalog, job->state, lost_writes, false,
                               err);
}

static void tell_what_is_waited_for(const struct view_job *job)
{
    struct open_transaction transaction;
    bool found = false;
    struct error ignored;
    if (offline_store_oldest_transaction(job->stores->offline, job->arena, &transaction, &found,
                                         &ignored) ||
        !found)
        request_warn(job->request, "waiting for transactions that were open before this run");
    else
        request_warn(job->request, arena_printf(job->arena,
                                                "waiting for a transaction that was open "
                                                "before this run: %s",
                                                transaction.text));
}

static enum status take_sample(struct view_job *job, int64_t *now_us, struct error *err)
{
    struct offline_sample sample;
    enum status status = offline_store_sample(job->stores->offline, &sample, err);
    if (status)
        return status;
    *now_us = sample.now_us;
    job->sampled_position = sample.position;
    return registry_keep_sample(job->stores->registry,
                                (struct position_sample){sample.position, sample.next_transaction},
                                err);
}

/*
 * A rewrite must stand above the rows that it replaces: equal triples change nothing. They may come
 * from a run that was killed before it could keep its position, so no sample before this run's own
 * will do; and with commits that are not flushed at once, even that one may be the last run's. What
 * only brings back lost rows replaces none, and a pending generation holds rows of the same
 * definitions alone: they need not wait until that sample serves.
 */
static bool sample_serves(const struct view_job *job, struct position_sample sample)
{
    bool rewrites = job->window.kind == RUN_STALE ||
                    (job->window.kind == RUN_LOST_WRITES && job->state->stale_version);
    return !rewrites ||
           (sample.position >= job->sampled_position && sample.position > job->state->position);
}

/* Begins a snapshot; *found false: there is no sample for it yet, and it has ended again. */
static enum status try_snapshot(struct view_job *job, bool *found, struct error *err)
{
    uint64_t xmin;
    struct position_sample sample;
    *found = false;
    enum status status = offline_store_begin(job->stores->offline, &xmin, err);
    if (status)
        return status;
    status = registry_find_sample(job->stores->registry, xmin, &sample, found, err);
    *found = !status && *found && sample_serves(job, sample);
    if (*found)
        job->position = sample.position;
    else
        offline_store_end(job->stores->offline);
    return status;
}

/*
 * Begins the snapshot of the scan and finds its position. A commit is in the WAL before its rows
 * are visible, so the position is that of a sample whose transactions have all ended.
 */
static enum status begin_snapshot(struct view_job *job, struct error *err)
{
    for (int waited_ms = 0;; waited_ms += WAIT_MS) {
        bool found;
        int64_t ignored_us;
        enum status status = try_snapshot(job, &found, err);
        if (status || found)
            return status;
        if (is_stopped(job->request))
            return stopped(job->state, err);
        if (job->sampled_position <= job->state->position)
            status = take_sample(job, &ignored_us, err);
        if (status)
            return status;
        if (waited_ms == WAIT_TOLD_MS)
            tell_what_is_waited_for(job);
        sleep_ms(WAIT_MS);
    }
}

static enum status choose_window(struct view_job *job, struct error *err)
{
    const struct materialize_request *request = job->request;
    struct window_facts facts = {
        .view = job->view->view,
        .state = job->state,
        .has_from = request->has_from,
        .has_to = request->has_to,
        .from_us = request->from_us,
        .to_us = request->to_us,
    };
    enum status status = look_at_mark(job, &facts.lost_writes, err);
    if (!status)
        status = take_sample(job, &facts.now_us, err);
    if (status)
        return status;
    job->window = window_of(&facts);
    job->run->kind = job->window.kind;
    if (job->window.kind == RUN_STALE || job->window.kind == RUN_REBUILD)
        job->run->reason = arena_text(job->arena, job->state->stale_reason);
    else if (job->window.kind == RUN_LOST_WRITES)
        job->run->reason = lost_writes;
    job->run->from_us = job->window.scan.from_us;
    job->run->to_us = job->window.scan.to_us;
    return STATUS_OK;
}

static void take_counts(struct view_job *job, const struct offline_scan *scan,
                        const struct row_writer *writer)
{
    const struct scan_counts *scanned = offline_scan_counts(scan);
    const struct row_writer_counts *wrote = row_writer_counts(writer);
    struct run_counts *counts = &job->run->counts;
    counts->read = scanned->rows + scanned->left_out;
    counts->expected = scanned->expected;
    counts->left_out = scanned->left_out;
    counts->misfits = scanned->misfits;
    counts->written = counter_read(&wrote->written);
    counts->older = counter_read(&wrote->older);
    counts->superseded = counter_read(&wrote->superseded);
    job->run->seconds = (double)(timestamp_monotonic_us() - job->run->started_us) / 1e6;
}

static void tell_progress(struct view_job *job, const struct offline_scan *scan,
                          const struct row_writer *writer)
{
    int64_t now_us = timestamp_monotonic_us();
    if (!job->request->listener.progress || now_us - job->told_us < PROGRESS_EVERY_US)
        return;
    job->told_us = now_us;
    take_counts(job, scan, writer);
    job->request->listener.progress(job->request->listener.context, job->run);
}

/* Packs one row and hands it to the writer; *going false once writing has failed. */
static enum status put_row(struct view_job *job, const struct scan_row *row,
                           struct row_writer *writer, bool *going, struct error *err)
{
    const struct feature_view *view = job->view->view;
    buffer_clear(&job->key);
    entity_key_begin(&job->key, job->catalog->project_id, job->view->key_set_id, row->keys,
                     view->key_count);
    entity_key_end(&job->key, job->view->id, job->generation);
    if (job->key.size > ENTITY_KEY_MAX) {
        job->run->counts.long_keys++;
        return STATUS_OK;
    }
    struct row_header header = {
        .event_time_us = row->event_time_us,
        .created_time_us = row->created_time_us,
        .position = job->position,
        .floor = ROW_NO_FLOOR,
        .schema = job->schema->number,
    };
    buffer_clear(&job->row);
    enum status status = row_pack(&job->schema->layout, &header, row->values, &job->row, err);
    if (!status)
        *going = row_writer_put(writer, buffer_bytes(&job->key), buffer_bytes(&job->row),
                                window_expiry(view, row->event_time_us));
    return status;
}

static enum status stream_rows(struct view_job *job, struct offline_scan *scan,
                               struct row_writer *writer, struct error *err)
{
    const struct scan_row *row;
    bool going = true;
    enum status status = STATUS_OK;
    for (uint64_t n = 0; going && !status; n++) {
        status = offline_scan_next(scan, &row, err);
        if (status || !row)
            break;
        status = put_row(job, row, writer, &going, err);
        if (n % PROGRESS_EVERY_ROWS)
            continue;
        tell_progress(job, scan, writer);
        if (!status && is_stopped(job->request))
            status = stopped(job->state, err);
    }
    return status;
}

static enum status write_mark(struct view_job *job, const char *writer, struct error *err)
{
    struct online_mark mark = job_mark(job, writer, job->generation);
    return online_store_write(job->stores->online, NULL, 0, &mark, 1, NULL, err);
}

/* Empty where the store does not tell: not every user may ask. */
static void read_incarnation(const struct view_job *job, char incarnation[ONLINE_INCARNATION_SIZE])
{
    struct online_info info;
    struct error ignored;
    if (online_store_inspect(job->stores->online, &info, &ignored))
        info.incarnation[0] = '\0';
    memcpy(incarnation, info.incarnation, ONLINE_INCARNATION_SIZE);
}

static enum status begin_writing(struct view_job *job, struct error *err)
{
    read_incarnation(job, job->incarnation);
    return write_mark(job, begun_name, err);
}

/*
 * The rows are acknowledged, but were all of them taken by one store, and is it still ours? One
 * that was flushed, or started again from a copy older than the run, lacks the mark that was
 * written first; one that started again from a later copy is another incarnation.
 */
static enum status check_store_kept_all(struct view_job *job, struct error *err)
{
    uint64_t owner;
    int64_t position;
    char incarnation[ONLINE_INCARNATION_SIZE];
    struct online_mark mark = job_mark(job, begun_name, job->generation);
    enum status status = online_store_owner(job->stores->online, &owner, err);
    if (!status)
        status = online_store_read_marks(job->stores->online, &mark, 1, &position, err);
    if (status)
        return status;
    if (owner != 0 && owner != job->catalog->identity)
        return fail(err, STATUS_CONFLICT,
                    "another registry has taken the online store over while rows were written");
    if (owner == 0 || position < job->position)
        return fail(err, STATUS_FAILED,
                    "the online store has lost rows while others were written; run it again");
    read_incarnation(job, incarnation);
    if (*incarnation && *job->incarnation && strcmp(incarnation, job->incarnation) != 0)
        return fail(err, STATUS_FAILED,
                    "the online store started again while rows were written, and may have lost "
                    "some; run it again");
    return STATUS_OK;
}

static enum status copy_rows(struct view_job *job, struct error *err)
{
    struct offline_scan *scan = NULL;
    enum status status = begin_writing(job, err);
    if (!status)
        status = offline_scan_open(job->stores->offline, &job->window.scan, &scan, err);
    if (status)
        return status;
    struct row_writer *writer = row_writer_open(job->stores->online, BATCH_ROWS, BATCH_BYTES);
    status = stream_rows(job, scan, writer, err);
    if (!status)
        status = row_writer_finish(writer, err);
    take_counts(job, scan, writer);
    row_writer_close(writer);
    offline_scan_close(scan);
    if (!status)
        status = check_store_kept_all(job, err);
    return status ? status : write_mark(job, done_name, err);
}

static enum status advance(struct view_job *job, bool *outdated, struct error *err)
{
    if (job->window.kind == RUN_REBUILD)
        return registry_switch_rows(job->stores->registry, job->catalog, job->state,
                                    job->window.scan.to_us, job->position, outdated, err);
    struct view_state state = {
        .view_id = job->view->id,
        .has_watermark = job->window.moves_watermark,
        .watermark_us = job->window.scan.to_us,
        .position = job->position,
    };
    return registry_advance(job->stores->registry, job->catalog, &state, job->window.clears_stale,
                            outdated, err);
}

/* Whether an apply came after the catalog was read. */
static enum status is_outdated(const struct view_job *job, bool *outdated, struct error *err)
{
    struct registry_version version;
    enum status status =
        registry_version(job->stores->registry, job->catalog->definitions.project, &version, err);
    *outdated = !status && !registry_version_is(version, job->catalog);
    return status;
}

/*
 * The version is compared once the position is known. An apply that comes later marks the views it
 * changes stale. If they are rewritten where they stand, the run that does it takes a greater
 * position than this one has: no row written here under old definitions can stand above its rows.
 * If they are rebuilt, that is in a generation that this one does not write to.
 */
static enum status run_job(struct view_job *job, bool *outdated, struct error *err)
{
    enum status status = choose_window(job, err);
    if (!status)
        status = begin_snapshot(job, err);
    if (status)
        return status;
    status = is_outdated(job, outdated, err);
    if (!status && !*outdated)
        status = copy_rows(job, err);
    offline_store_end(job->stores->offline);
    return status || *outdated ? status : advance(job, outdated, err);
}

/*
 * However a run ended: if nobody reads what it wrote, because others went over to another
 * generation or removed the view, its rows are recorded as removed. Whoever recorded and removed
 * them before did not see the last. Then also its marks were removed, and the store only seems to
 * have lost writes.
 */
static enum status leave(struct view_job *job, enum status ran, bool *outdated, bool *left_rows,
                         struct error *err)
{
    struct error ignored;
    if (!ran && !*outdated)
        return STATUS_OK;
    enum status status = registry_leave_rows(job->stores->registry, job->catalog, job->view->id,
                                             job->generation, left_rows, ran ? &ignored : err);
    if (ran == STATUS_FAILED && !status && *left_rows) {
        *outdated = true;
        return STATUS_OK;
    }
    return ran ? ran : status;
}

/* Errors about its columns do. */
static bool begins_with_view(const struct error *err, const char *view)
{
    static const char words[] = "feature view ";
    const char *message = err ? err->message : "";
    size_t before = strlen(words), size = strlen(view);
    return strncmp(message, words, before) == 0 && strncmp(message + before, view, size) == 0 &&
           message[before + size] == ':';
}

enum status view_job_run(const struct materialize_stores *stores,
                         const struct materialize_request *request, const struct catalog *catalog,
                         const struct catalog_view *view, const struct view_state *state,
                         struct arena *arena, struct view_run *run, bool *outdated, bool *left_rows,
                         struct error *err)
{
    struct view_job job = {
        .stores = stores,
        .request = request,
        .catalog = catalog,
        .view = view,
        .schema = &view->schemas[view->schema_count - 1],
        .state = state,
        .generation = state->pending_generation ? state->pending_generation : view->generation,
        .arena = arena,
        .run = run,
    };
    *run = (struct view_run){.view = arena_text(arena, view->view->about.name),
                             .started_us = timestamp_monotonic_us()};
    *outdated = false;
    *left_rows = false;
    buffer_init(&job.key, 0);
    buffer_init(&job.row, 0);
    enum status status = leave(&job, run_job(&job, outdated, err), outdated, left_rows, err);
    if (status == STATUS_CANCELLED && is_stopped(request))
        status = stopped(state, err);
    buffer_release(&job.key);
    buffer_release(&job.row);
    run->seconds = (double)(timestamp_monotonic_us() - run->started_us) / 1e6;
    return status && !begins_with_view(err, run->view)
               ? fail_within(err, "feature view %s", run->view)
               : status;
}
