/* asks_query.c - the rows of a query in the offline store, written down as a CSV that asks. */
#include "base/csv.h"
#include "base/value_text.h"
#include "store/offline/offline_store.h"
#include "training/formats/asks_backend.h"

enum { WRITE_SIZE = 1 << 18 };

struct spool {
    struct offline_query *query;
    int descriptor;
    struct buffer line, text;
};

static enum status write_out(struct spool *spool, size_t least, struct error *err)
{
    if (spool->line.size < least)
        return STATUS_OK;
    enum status status =
        asks_write_spool(spool->descriptor, spool->line.data, spool->line.size, err);
    buffer_clear(&spool->line);
    return status;
}

static void append_value(struct spool *spool, bool first, const struct value *value)
{
    if (value->is_null) {
        csv_append_null(&spool->line, first);
        return;
    }
    buffer_clear(&spool->text);
    value_format(value, &spool->text);
    csv_append(&spool->line, first, buffer_bytes(&spool->text));
}

static enum status spool_rows(struct spool *spool, struct error *err)
{
    struct query_columns columns = offline_query_columns(spool->query);
    for (size_t i = 0; i < columns.count; i++)
        csv_append(&spool->line, i == 0, bytes_of_text(columns.names[i]));
    csv_append_end(&spool->line);
    for (;;) {
        const struct value *values;
        enum status status = offline_query_next(spool->query, &values, err);
        if (status)
            return status;
        if (!values)
            return write_out(spool, 1, err);
        for (size_t i = 0; i < columns.count; i++)
            append_value(spool, i == 0, &values[i]);
        csv_append_end(&spool->line);
        status = write_out(spool, WRITE_SIZE, err);
        if (status)
            return status;
    }
}

enum status asks_spool_query(struct offline_store *store, const char *sql, const char *name,
                             const struct selection *selection, int descriptor, struct error *err)
{
    struct arena arena;
    struct spool spool = {.descriptor = descriptor};
    arena_init(&arena, 0);
    buffer_init(&spool.line, 0);
    buffer_init(&spool.text, 0);
    size_t count = selection->key_count;
    struct query_column *wanted = arena_array(&arena, count + 1, sizeof *wanted);
    for (size_t i = 0; i < count; i++)
        wanted[i] = (struct query_column){selection->keys[i].name, selection->keys[i].type};
    wanted[count] = (struct query_column){asks_time_name, TYPE_TIMESTAMP};
    enum status status = offline_query_open(store, sql, name, wanted, count + 1, &spool.query, err);
    if (!status)
        status = spool_rows(&spool, err);
    offline_query_close(spool.query);
    buffer_release(&spool.line);
    buffer_release(&spool.text);
    arena_release(&arena);
    return status;
}
