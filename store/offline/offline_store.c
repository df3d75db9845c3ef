/* offline_store.c - see offline_store.h: finds the backend, and leads each call to it. */
#include "store/offline/offline_store.h"

#include "config/query_text.h"
#include "store/offline/offline_store_backend.h"

static const struct {
    const char *type;
    const struct offline_store_operations *operations;
} backends[] = {
    {"postgres", &offline_store_postgres},
    {"sqlite", &offline_store_sqlite},
};

enum status offline_store_open(const struct settings *settings, struct offline_store **store,
                               struct error *err)
{
    *store = NULL;
    for (size_t i = 0; i < COUNT_OF(backends); i++)
        if (strcmp(backends[i].type, settings->offline_store.type) == 0)
            return backends[i].operations->open(settings, store, err);
    return fail(err, STATUS_INVALID,
                "offline_store: there is no type %s; it may be postgres or "
                "sqlite",
                settings->offline_store.type);
}

void offline_store_close(struct offline_store *store)
{
    if (store)
        store->operations->close(store);
}

void offline_store_stop_on(struct offline_store *store, const atomic_bool *stop)
{
    store->operations->stop_on(store, stop);
}

enum status offline_store_now(struct offline_store *store, int64_t *now_us, struct error *err)
{
    return store->operations->now(store, now_us, err);
}

enum status offline_store_check(struct offline_store *store, const struct definitions *definitions,
                                struct arena *arena, struct findings *findings, struct error *err)
{
    return store->operations->check(store, definitions, arena, findings, err);
}

enum status offline_store_examine(struct offline_store *store, struct arena *arena,
                                  struct examination *examination, struct error *err)
{
    *examination = (struct examination){0};
    return store->operations->examine(store, arena, examination, err);
}

enum status offline_store_sample(struct offline_store *store, struct offline_sample *sample,
                                 struct error *err)
{
    return store->operations->sample(store, sample, err);
}

enum status offline_store_oldest_transaction(struct offline_store *store, struct arena *arena,
                                             struct open_transaction *transaction, bool *found,
                                             struct error *err)
{
    return store->operations->oldest_transaction(store, arena, transaction, found, err);
}

enum status offline_store_begin(struct offline_store *store, uint64_t *snapshot_xmin,
                                struct error *err)
{
    return store->operations->begin(store, snapshot_xmin, err);
}

void offline_store_end(struct offline_store *store)
{
    store->operations->end(store);
}

struct offline_snapshot offline_store_snapshot(const struct offline_store *store)
{
    return store->snapshot;
}

enum status offline_scan_open(struct offline_store *store, const struct scan_request *request,
                              struct offline_scan **scan, struct error *err)
{
    *scan = NULL;
    return store->operations->scan_open(store, request, scan, err);
}

enum status offline_scan_next(struct offline_scan *scan, const struct scan_row **row,
                              struct error *err)
{
    return scan->operations->scan_next(scan, row, err);
}

const struct scan_counts *offline_scan_counts(const struct offline_scan *scan)
{
    return &scan->counts;
}

void offline_scan_close(struct offline_scan *scan)
{
    if (scan)
        scan->operations->scan_close(scan);
}

enum status offline_join_check(struct offline_store *store, const struct join_request *request,
                               struct error *err)
{
    return store->operations->join_check(store, request, err);
}

enum status offline_join_estimate(struct offline_store *store, const struct join_request *request,
                                  size_t view, int64_t first_us, int64_t last_us,
                                  struct join_estimate *estimate, struct error *err)
{
    return store->operations->join_estimate(store, request, view, first_us, last_us, estimate, err);
}

enum status offline_join_open(struct offline_store *store, const struct join_request *request,
                              const struct join_asks *asks, size_t connection_max,
                              struct offline_join **join, struct error *err)
{
    *join = NULL;
    return store->operations->join_open(store, request, asks, connection_max, join, err);
}

enum status offline_join_next(struct offline_join *join, const struct joined_row **row,
                              struct error *err)
{
    return join->operations->join_next(join, row, err);
}

const struct join_counts *offline_join_counts(const struct offline_join *join)
{
    return &join->counts;
}

void offline_join_close(struct offline_join *join)
{
    if (join)
        join->operations->join_close(join);
}

enum status offline_stream_open(struct offline_store *store, const struct stream_request *request,
                                struct offline_stream **stream, struct error *err)
{
    *stream = NULL;
    return store->operations->stream_open(store, request, stream, err);
}

size_t offline_stream_reader_count(const struct offline_stream *stream)
{
    return stream->reader_count;
}

enum status offline_stream_next(struct offline_stream *stream, size_t reader,
                                const struct streamed_row **row, struct error *err)
{
    return stream->operations->stream_next(stream, reader, row, err);
}

enum status offline_stream_values(struct offline_stream *stream, size_t reader,
                                  struct streamed_values *values, struct error *err)
{
    return stream->operations->stream_values(stream, reader, values, err);
}

enum status offline_stream_misfit(const struct offline_stream *stream, size_t view, size_t place,
                                  uint8_t misfit, const char *row, struct error *err)
{
    return stream->operations->stream_misfit(stream, view, place, misfit, row, err);
}

const struct join_counts *offline_stream_counts(const struct offline_stream *stream)
{
    return &stream->counts;
}

void offline_stream_stop(struct offline_stream *stream)
{
    stream->operations->stream_stop(stream);
}

void offline_stream_close(struct offline_stream *stream)
{
    if (stream)
        stream->operations->stream_close(stream);
}

value_type query_type_wanted(const struct query_column *wanted, size_t wanted_count,
                             const char *name)
{
    for (size_t i = 0; i < wanted_count; i++)
        if (strcmp(wanted[i].name, name) == 0)
            return wanted[i].type;
    return 0;
}

enum status offline_query_open(struct offline_store *store, const char *sql, const char *what,
                               const struct query_column *wanted, size_t wanted_count,
                               struct offline_query **query, struct error *err)
{
    *query = NULL;
    const char *mistake = query_text_mistake(sql);
    if (mistake)
        return fail(err, STATUS_INVALID, "%s %s", what, mistake);
    return store->operations->query_open(store, sql, what, wanted, wanted_count, query, err);
}

struct query_columns offline_query_columns(const struct offline_query *query)
{
    return query->columns;
}

enum status offline_query_next(struct offline_query *query, const struct value **values,
                               struct error *err)
{
    return query->operations->query_next(query, values, err);
}

void offline_query_close(struct offline_query *query)
{
    if (query)
        query->operations->query_close(query);
}

struct load_columns load_columns_keep(const struct load_column *columns, size_t count,
                                      struct arena *arena)
{
    struct load_column *kept = arena_array(arena, count, sizeof *kept);
    for (size_t i = 0; i < count; i++)
        kept[i] = (struct load_column){arena_text(arena, columns[i].column), columns[i].role,
                                       columns[i].type};
    return (struct load_columns){kept, count};
}

enum status load_columns_distinct(const struct source *source, const struct load_column *all,
                                  size_t count, int (*compare)(const char *, const char *),
                                  struct arena *arena, struct load_columns *distinct,
                                  struct error *err)
{
    struct load_column *columns = arena_array(arena, count, sizeof *columns);
    size_t kept = 0;
    for (size_t i = 0, earlier; i < count; i++) {
        for (earlier = 0; earlier < kept; earlier++)
            if (compare(columns[earlier].column, all[i].column) == 0)
                break;
        if (earlier == kept)
            columns[kept++] = all[i];
        else if (columns[earlier].type != all[i].type)
            return fail(
                err, STATUS_INVALID,
                "source %s: column %s would have to be %s and %s; make the table yourself, or give "
                "one of them a column of its own under fields",
                source->about.name, all[i].column, type_name(columns[earlier].type),
                type_name(all[i].type));
    }
    *distinct = (struct load_columns){columns, kept};
    return STATUS_OK;
}

/* A row without its key or its time would be left out by every reader. */
static enum status check_given(const struct source *source, const struct load_column *all,
                               size_t all_count, const struct load_column *given,
                               size_t given_count, struct error *err)
{
    for (size_t i = 0; i < all_count; i++) {
        bool is_given = all[i].role != LOAD_KEY && all[i].role != LOAD_EVENT_TIME;
        for (size_t j = 0; j < given_count && !is_given; j++)
            is_given = strcmp(given[j].column, all[i].column) == 0;
        if (!is_given)
            return fail(err, STATUS_INVALID, "source %s: rows need a value for %s",
                        source->about.name, all[i].column);
    }
    return STATUS_OK;
}

enum status offline_load_open(struct offline_store *store, const struct source *source,
                              const struct load_column *all, size_t all_count,
                              const struct load_column *given, size_t given_count, bool *made,
                              struct offline_load **load, struct error *err)
{
    *load = NULL;
    *made = false;
    if (!source->table)
        return fail(err, STATUS_INVALID,
                    "source %s is a query: rows can be loaded into a source with a table only",
                    source->about.name);
    enum status status = check_given(source, all, all_count, given, given_count, err);
    return status ? status
                  : store->operations->load_open(store, source, all, all_count, given, given_count,
                                                 made, load, err);
}

enum status offline_load_row(struct offline_load *load, const struct value *values, size_t *culprit,
                             struct error *err)
{
    return load->operations->load_row(load, values, culprit, err);
}

const struct load_before *offline_load_before(const struct offline_load *load)
{
    return &load->before;
}

enum status offline_load_finish(struct offline_load *load, uint64_t *rows, struct error *err)
{
    return load->operations->load_finish(load, rows, err);
}

void offline_load_close(struct offline_load *load)
{
    if (load)
        load->operations->load_close(load);
}
