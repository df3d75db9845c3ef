/* postgres_left_out.c - see postgres_left_out.h. */
#include "store/offline/postgres_left_out.h"

#include "base/entity_key.h"
#include "store/offline/join_request.h"
#include "store/offline/postgres_copy.h"

#include <stdlib.h>

enum {
    INTEGER_SIZE_MAX = 10, /* of an encoded integer or time */
    UUID_SIZE = 37,
    TEXT_GROWTH_UTF8 = 2, /* bytes that an encoded byte becomes, at most */
    TEXT_GROWTH = 4,      /* the same where the database has another encoding than UTF-8 */
    OWN_FIELDS = 3,       /* unfit, unknown, count */
};

struct left_out {
    uint64_t unfit; /* a null or infinite event time, or a null key */
    uint64_t long_keys;
    uint64_t unknown_created;
};

struct count {
    struct postgres_store *store;
    const struct postgres_view *view;
    const struct entity_key_ids *ids;
    struct arena arena;
    struct buffer unfit, unknown, may_be_long; /* conditions on a row; the last empty for "never" */
    struct value *keys;
};

static bool is_variable(const struct postgres_field *key)
{
    return type_width(key->decoder.type) == 0 && key->column->oid != PG_TYPE_UUID;
}

static void write_unfit(struct count *count)
{
    const struct postgres_view *view = count->view;
    struct buffer *sql = &count->unfit;
    postgres_append_unfit_time(count->store, sql, &view->event);
    for (size_t i = 0; i < view->view->key_count; i++) {
        buffer_append_text(sql, " OR ");
        if (view->view->keys[i].type == TYPE_TIMESTAMP) {
            postgres_append_unfit_time(count->store, sql, &view->keys[i]);
        } else {
            postgres_append_field(count->store, sql, &view->keys[i]);
            buffer_append_text(sql, " IS NULL");
        }
    }
}

/* A bound that costs little, so that only keys that are nearly too long are looked at closely. */
static void write_may_be_long(struct count *count)
{
    const char *encoding = PQparameterStatus(count->store->connection, "server_encoding");
    bool is_utf8 = encoding && strcmp(encoding, "UTF8") == 0;
    size_t fixed = entity_key_size(count->ids, NULL, 0);
    struct buffer *sql = &count->may_be_long;
    for (size_t i = 0; i < count->view->view->key_count; i++) {
        const struct postgres_field *key = &count->view->keys[i];
        if (!is_variable(key)) {
            fixed += key->column->oid == PG_TYPE_UUID ? UUID_SIZE : INTEGER_SIZE_MAX;
            continue;
        }
        fixed++;
        buffer_append_text(sql, "octet_length(");
        postgres_append_field(count->store, sql, key);
        buffer_printf(sql, "%s) * %d + ", key->cast,
                      is_utf8 || key->decoder.type == TYPE_BYTES ? TEXT_GROWTH_UTF8 : TEXT_GROWTH);
    }
    if (sql->size > 0 || fixed > ENTITY_KEY_MAX)
        buffer_printf(sql, "%zu > %d", fixed, (int)ENTITY_KEY_MAX);
}

static void append_condition(struct buffer *sql, const struct buffer *condition)
{
    if (condition->size == 0)
        buffer_append_text(sql, "false");
    buffer_append(sql, condition->data, condition->size);
}

static void append_keys(struct count *count, struct buffer *sql)
{
    for (size_t i = 0; i < count->view->view->key_count; i++) {
        const struct postgres_field *key = &count->view->keys[i];
        buffer_append_text(sql, ", CASE WHEN ");
        append_condition(sql, &count->may_be_long);
        buffer_append_text(sql, " THEN ");
        postgres_append_field(count->store, sql, key);
        buffer_printf(sql, "%s END AS k%zu", key->cast, i);
    }
}

/* Rows that are left out alike are one row of the answer. */
static void append_statement(struct count *count, struct buffer *sql)
{
    bool with_keys = count->may_be_long.size > 0;
    buffer_append_text(sql, "COPY (SELECT unfit, unknown, count(*)");
    for (size_t i = 0; i < count->view->view->key_count && with_keys; i++)
        buffer_printf(sql, ", k%zu", i);
    buffer_append_text(sql, " FROM (SELECT ");
    append_condition(sql, &count->unfit);
    buffer_append_text(sql, " AS unfit, ");
    append_condition(sql, &count->unknown);
    buffer_append_text(sql, " AS unknown");
    if (with_keys)
        append_keys(count, sql);
    buffer_printf(sql, " FROM %s AS source) AS source WHERE unfit OR unknown",
                  count->view->source.from);
    if (with_keys)
        buffer_append_text(sql, " OR k0 IS NOT NULL");
    buffer_append_text(sql, " GROUP BY unfit, unknown");
    for (size_t i = 0; i < count->view->view->key_count && with_keys; i++)
        buffer_printf(sql, ", k%zu", i);
    buffer_append_text(sql, ") TO STDOUT (FORMAT binary)");
}

static enum status decode(struct count *count, const struct copy_column *column, struct bytes field,
                          struct value *value, struct error *err)
{
    enum copy_misfit misfit;
    return copy_decode(column, field, &count->arena, value, &misfit, err);
}

static bool is_long(struct count *count)
{
    size_t key_count = count->view->view->key_count;
    for (size_t i = 0; i < key_count; i++)
        if (count->keys[i].is_null)
            return false;
    return entity_key_size(count->ids, count->keys, key_count) > ENTITY_KEY_MAX;
}

/* keys: the fields of a row that is not unfit and whose key may be long; NULL: it is not. */
static enum status add_rows(struct count *count, const struct bytes *fields,
                            const struct bytes *keys, struct left_out *left_out, struct error *err)
{
    static const value_type types[OWN_FIELDS] = {TYPE_BOOL, TYPE_BOOL, TYPE_INT64};
    static const uint32_t oids[OWN_FIELDS] = {PG_TYPE_BOOL, PG_TYPE_BOOL, PG_TYPE_INT8};
    struct value own[OWN_FIELDS];
    struct copy_column column;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < OWN_FIELDS && !status; i++) {
        copy_column_init(&column, oids[i], types[i]);
        status = decode(count, &column, fields[i], &own[i], err);
    }
    for (size_t i = 0; i < count->view->view->key_count && keys && !status; i++)
        status = decode(count, &count->view->keys[i].decoder, keys[i], &count->keys[i], err);
    if (status)
        return status;
    bool unfit = own[0].boolean, unknown = own[1].boolean;
    uint64_t rows = (uint64_t)own[2].int64;
    if (unfit)
        left_out->unfit += rows;
    else if (keys && is_long(count))
        left_out->long_keys += rows;
    else if (unknown)
        left_out->unknown_created += rows;
    return STATUS_OK;
}

static enum status run(struct count *count, struct left_out *left_out, struct error *err)
{
    bool with_keys = count->may_be_long.size > 0, end = false;
    size_t key_count = count->view->view->key_count;
    size_t field_count = OWN_FIELDS + (with_keys ? key_count : 0);
    struct bytes *fields = arena_array(&count->arena, field_count, sizeof *fields);
    struct postgres_copy copy;
    struct buffer sql;
    buffer_init(&sql, 0);
    count->keys = arena_array(&count->arena, key_count, sizeof *count->keys);
    append_statement(count, &sql);
    enum status status =
        postgres_copy_open(&copy, count->store->connection, "counting what was left out", &sql,
                           fields, field_count, err);
    while (!status && !(status = postgres_copy_next(&copy, &end, err)) && !end)
        status = add_rows(count, fields, with_keys ? fields + OWN_FIELDS : NULL, left_out, err);
    postgres_copy_close(&copy);
    return status;
}

static enum status count_view(struct postgres_store *store, const struct join_request *request,
                              const struct postgres_view *view, const struct entity_key_ids *ids,
                              struct left_out *left_out, struct error *err)
{
    struct count count = {.store = store, .view = view, .ids = ids};
    arena_init(&count.arena, 0);
    buffer_init(&count.unfit, 0);
    buffer_init(&count.unknown, 0);
    buffer_init(&count.may_be_long, 0);
    write_unfit(&count);
    if (request->as_known || request->as_of_us != AS_OF_NOW) {
        buffer_append_text(&count.unknown, "(");
        postgres_append_created(store, &count.unknown, view);
        buffer_append_text(&count.unknown, ") IS NULL");
    }
    write_may_be_long(&count);
    enum status status = run(&count, left_out, err);
    buffer_release(&count.unfit);
    buffer_release(&count.unknown);
    buffer_release(&count.may_be_long);
    arena_release(&count.arena);
    return status;
}

/* Views that read the same keys of one source leave the same rows out. */
static bool leave_out_alike(const struct join_request *request, const struct postgres_view *views,
                            size_t a, size_t b)
{
    const struct feature_view *one = views[a].view, *other = views[b].view;
    if (one->source != other->source || one->key_count != other->key_count)
        return false;
    for (size_t i = 0; i < one->key_count; i++)
        if (strcmp(views[a].keys[i].column->name, views[b].keys[i].column->name) != 0)
            return false;
    return entity_key_size(&request->key_ids[a], NULL, 0) ==
           entity_key_size(&request->key_ids[b], NULL, 0);
}

enum status postgres_count_left_out(struct postgres_store *store,
                                    const struct join_request *request,
                                    const struct postgres_view *views, struct join_counts *counts,
                                    struct error *err)
{
    size_t view_count = request->selection->view_count;
    struct left_out *left_out = calloc(view_count, sizeof *left_out);
    if (!left_out)
        out_of_memory();
    enum status status = STATUS_OK;
    for (size_t i = 0; i < view_count && !status; i++) {
        size_t alike = 0;
        while (alike < i && !leave_out_alike(request, views, alike, i))
            alike++;
        left_out[i] = left_out[alike];
        if (alike == i)
            status = count_view(store, request, &views[i], &request->key_ids[i], &left_out[i], err);
        if (status || join_used_before(request->selection, i))
            continue;
        counts->left_out += left_out[i].unfit;
        counts->long_keys += left_out[i].long_keys;
        counts->unknown_created += left_out[i].unknown_created;
    }
    free(left_out);
    return status;
}
