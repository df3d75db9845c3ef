/* asks.c - see asks.h. */
#include "training/asks.h"

#include "base/timestamp.h"
#include "base/value_text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char time_column[] = "event_timestamp";

struct asks {
    const struct selection *selection;
    const char *path; /* for messages */
    int spool;        /* the temporary file; -1 if there is none */
    struct csv_reader *reader;
    struct arena names;  /* lives as long as asks */
    struct arena parsed; /* lives as long as a row */
    const char **columns;
    size_t column_count;
    size_t *key_columns; /* [selection->key_count] */
    size_t time_column;
    struct value *keys;
    struct ask ask;
    uint64_t count;
};

static enum status spool_input(int spool, struct error *err)
{
    static const size_t size = 1 << 16;
    char *bytes = malloc(size);
    if (!bytes)
        out_of_memory();
    enum status status = STATUS_OK;
    ssize_t got;
    while (!status && (got = read(STDIN_FILENO, bytes, size)) != 0) {
        for (ssize_t done = 0; !status && done < got;) {
            ssize_t put = write(spool, bytes + done, (size_t)(got - done));
            if (put < 0 && errno != EINTR)
                status = fail(err, STATUS_FAILED,
                              "cannot keep standard input in a temporary "
                              "file: %s",
                              strerror(errno));
            done += put > 0 ? put : 0;
        }
        if (got < 0 && errno != EINTR)
            status = fail(err, STATUS_FAILED, "standard input: %s", strerror(errno));
    }
    free(bytes);
    return status;
}

/* An unnamed file: nothing is left behind whatever ends the process. */
static enum status open_spool(struct asks *asks, struct error *err)
{
    const char *folder = getenv("TMPDIR");
    char path[4096];
    snprintf(path, sizeof path, "%s/larder-asks-XXXXXX", folder && *folder ? folder : "/tmp");
    asks->spool = mkstemp(path);
    if (asks->spool < 0)
        return fail(err, STATUS_FAILED, "cannot make a temporary file %s: %s", path,
                    strerror(errno));
    unlink(path);
    return spool_input(asks->spool, err);
}

static enum status find_column(const struct asks *asks, const char *name, size_t *column,
                               struct error *err)
{
    for (size_t i = 0; i < asks->column_count; i++) {
        if (strcmp(asks->columns[i], name) == 0) {
            *column = i;
            return STATUS_OK;
        }
    }
    const char *near = nearest_name(name, asks->columns, asks->column_count);
    fail(err, STATUS_INVALID, "the header has no column %s%s%s%s%s", name,
         strcmp(name, time_column) == 0 ? ", the time that each row asks for" : "",
         near ? "; is it called " : "", near ? near : "", near ? "?" : "");
    return fail_at(err, asks->path, 1, 1);
}

static enum status check_twice(const struct asks *asks, const struct csv_field *fields,
                               struct error *err)
{
    for (size_t i = 0; i < asks->column_count; i++)
        for (size_t j = 0; j < i; j++)
            if (strcmp(asks->columns[i], asks->columns[j]) == 0) {
                fail(err, STATUS_INVALID, "the header has column %s twice", asks->columns[i]);
                return fail_at(err, asks->path, fields[i].line, fields[i].column);
            }
    return STATUS_OK;
}

static enum status read_header(struct asks *asks, struct error *err)
{
    const struct csv_field *fields;
    enum status status = csv_reader_next(asks->reader, &fields, &asks->column_count, err);
    if (status)
        return status;
    if (asks->column_count == 0)
        return fail(err, STATUS_INVALID,
                    "%s: the file is empty; it needs a header with the join "
                    "keys and %s",
                    asks->path, time_column);
    csv_reader_expect(asks->reader, asks->column_count);
    asks->columns = arena_array(&asks->names, asks->column_count, sizeof *asks->columns);
    for (size_t i = 0; i < asks->column_count; i++)
        asks->columns[i] = arena_text_of(&asks->names, fields[i].text);
    status = check_twice(asks, fields, err);
    for (size_t i = 0; !status && i < asks->selection->key_count; i++)
        status = find_column(asks, asks->selection->keys[i].name, &asks->key_columns[i], err);
    return status ? status : find_column(asks, time_column, &asks->time_column, err);
}

static enum status open_reader(struct asks *asks, struct error *err)
{
    enum status status = STATUS_OK;
    if (asks->spool < 0)
        status = csv_reader_open(asks->path, &asks->reader, err);
    else if (lseek(asks->spool, 0, SEEK_SET) < 0)
        status = fail(err, STATUS_FAILED, "%s: %s", asks->path, strerror(errno));
    else
        asks->reader = csv_reader_open_descriptor(asks->path, asks->spool);
    return status ? status : read_header(asks, err);
}

enum status asks_open(const char *path, const struct selection *selection, struct asks **asks,
                      struct error *err)
{
    struct asks *opened = calloc(1, sizeof *opened);
    if (!opened)
        out_of_memory();
    opened->selection = selection;
    opened->spool = -1;
    arena_init(&opened->names, 0);
    arena_init(&opened->parsed, 0);
    opened->path = strcmp(path, "-") == 0 ? "standard input" : path;
    opened->key_columns =
        arena_array(&opened->names, selection->key_count + 1, sizeof *opened->key_columns);
    opened->keys = arena_array(&opened->names, selection->key_count + 1, sizeof *opened->keys);
    enum status status = opened->path == path ? STATUS_OK : open_spool(opened, err);
    if (!status)
        status = open_reader(opened, err);
    if (status) {
        asks_close(opened);
        opened = NULL;
    }
    *asks = opened;
    return status;
}

void asks_close(struct asks *asks)
{
    if (!asks)
        return;
    csv_reader_close(asks->reader);
    if (asks->spool >= 0)
        close(asks->spool);
    arena_release(&asks->names);
    arena_release(&asks->parsed);
    free(asks);
}

size_t asks_column_count(const struct asks *asks)
{
    return asks->column_count;
}

const char *asks_column(const struct asks *asks, size_t column)
{
    return asks->columns[column];
}

static enum status parse_field(struct asks *asks, const struct csv_field *field, size_t column,
                               value_type type, struct value *value, struct error *err)
{
    *value = value_null(type);
    if (field->is_null)
        return STATUS_OK;
    if (value_parse(type, field->text, &asks->parsed, value, err) == STATUS_OK)
        return STATUS_OK;
    fail_within(err, "%s", asks->columns[column]);
    return fail_at(err, asks->path, field->line, field->column);
}

static enum status parse_row(struct asks *asks, const struct csv_field *fields, struct error *err)
{
    for (size_t i = 0; i < asks->selection->key_count; i++) {
        size_t column = asks->key_columns[i];
        enum status status = parse_field(asks, &fields[column], column,
                                         asks->selection->keys[i].type, &asks->keys[i], err);
        if (status)
            return status;
    }
    struct value at;
    const struct csv_field *field = &fields[asks->time_column];
    enum status status = parse_field(asks, field, asks->time_column, TYPE_TIMESTAMP, &at, err);
    if (!status && at.is_null) {
        fail(err, STATUS_INVALID, "%s is empty; each row needs the time it asks for", time_column);
        return fail_at(err, asks->path, field->line, field->column);
    }
    asks->ask.at_us = at.int64;
    return status;
}

enum status asks_next(struct asks *asks, const struct ask **ask, struct error *err)
{
    const struct csv_field *fields;
    size_t count;
    *ask = NULL;
    arena_reset(&asks->parsed);
    enum status status = csv_reader_next(asks->reader, &fields, &count, err);
    if (status || count == 0)
        return status;
    status = parse_row(asks, fields, err);
    if (status)
        return status;
    asks->ask.keys = asks->keys;
    asks->ask.fields = fields;
    asks->ask.field_count = count;
    asks->count++;
    *ask = &asks->ask;
    return STATUS_OK;
}

enum status asks_rewind(struct asks *asks, struct error *err)
{
    csv_reader_close(asks->reader);
    asks->reader = NULL;
    asks->count = 0;
    return open_reader(asks, err);
}

uint64_t asks_count(const struct asks *asks)
{
    return asks->count;
}
