/* asks.c - see asks.h. What all formats share: a file that can be read twice, and which of its
 * columns are the keys and the time. */
#include "training/formats/asks.h"

#include "base/input.h"
#include "config/wording.h"
#include "training/formats/asks_backend.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

const char asks_time_name[] = "event_timestamp";

enum status asks_write_spool(int descriptor, const void *bytes, size_t size, struct error *err)
{
    for (size_t done = 0; done < size;) {
        ssize_t put = write(descriptor, (const char *)bytes + done, size - done);
        if (put < 0 && errno != EINTR)
            return fail(err, STATUS_FAILED, "cannot keep what asks in a temporary file: %s",
                        strerror(errno));
        done += put > 0 ? (size_t)put : 0;
    }
    return STATUS_OK;
}

static enum status copy_input(const struct asks *asks, int from, int to, struct error *err)
{
    static const size_t size = 1 << 16;
    char *bytes = malloc(size);
    if (!bytes)
        out_of_memory();
    enum status status = STATUS_OK;
    ssize_t got;
    while (!status && (got = input_read(from, bytes, size, asks->stop)) != 0) {
        if (got > 0)
            status = asks_write_spool(to, bytes, (size_t)got, err);
        else
            status = fail(err, STATUS_FAILED, "%s: %s", asks->path, strerror(errno));
    }
    free(bytes);
    return status;
}

enum status asks_make_spool(int *descriptor, struct error *err)
{
    const char *folder = getenv("TMPDIR");
    char path[4096];
    snprintf(path, sizeof path, "%s/larder-asks-XXXXXX", folder && *folder ? folder : "/tmp");
    *descriptor = mkostemp(path, O_CLOEXEC);
    if (*descriptor < 0)
        return fail(err, STATUS_FAILED, "cannot make a temporary file %s: %s", path,
                    strerror(errno));
    unlink(path);
    return STATUS_OK;
}

static enum status spool_input(struct asks *asks, int input, struct error *err)
{
    enum status status = asks_make_spool(&asks->descriptor, err);
    return status ? status : copy_input(asks, input, asks->descriptor, err);
}

/* Standard input may be a plain file, but stands perhaps not at its beginning. */
static bool can_be_read_twice(int opened)
{
    struct stat about;
    return opened != STDIN_FILENO && fstat(opened, &about) == 0 && S_ISREG(about.st_mode);
}

static enum status open_path(struct asks *asks, const char *path, struct error *err)
{
    int opened;
    enum status status = input_open(path, &opened, err);
    if (status)
        return status;
    asks->path = input_name(path);
    if (can_be_read_twice(opened)) {
        asks->descriptor = opened;
        return STATUS_OK;
    }
    status = spool_input(asks, opened, err);
    input_close(opened);
    return status;
}

/* By its first bytes: Arrow's mark of a file, or how each message of a stream begins. */
static enum status find_format(struct asks *asks, struct error *err)
{
    static const char stream[] = {'\xff', '\xff', '\xff', '\xff'};
    char first[6] = {0};
    ssize_t got = pread(asks->descriptor, first, sizeof first, 0);
    if (got < 0)
        return fail(err, STATUS_FAILED, "%s: %s", asks->path, strerror(errno));
    if (memcmp(first, "PAR1", 4) == 0)
        return fail(err, STATUS_INVALID,
                    "%s: it is a Parquet file; what asks is read as CSV or Arrow "
                    "(pandas: to_feather)",
                    asks->path);
    bool is_arrow = memcmp(first, "ARROW1", 6) == 0 || memcmp(first, stream, sizeof stream) == 0;
    asks->operations = is_arrow ? &asks_arrow : &asks_csv;
    return STATUS_OK;
}

static enum status begin_reading(struct asks *asks, struct error *err)
{
    asks->reading++;
    asks->count = 0;
    if (lseek(asks->descriptor, 0, SEEK_SET) < 0)
        return fail(err, STATUS_FAILED, "%s: %s", asks->path, strerror(errno));
    return asks->operations->open(asks, err);
}

static struct asks *make(const struct selection *selection, bool as_text, const atomic_bool *stop)
{
    struct asks *asks = calloc(1, sizeof *asks);
    if (!asks)
        out_of_memory();
    asks->selection = selection;
    asks->as_text = as_text;
    asks->stop = stop;
    asks->descriptor = -1;
    asks->operations = &asks_csv;
    arena_init(&asks->names, 0);
    arena_init(&asks->parsed, 0);
    asks->key_columns =
        arena_array(&asks->names, selection->key_count + 1, sizeof *asks->key_columns);
    asks->keys = arena_array(&asks->names, selection->key_count + 1, sizeof *asks->keys);
    return asks;
}

/* status: of what led to the bytes. */
static enum status begin(enum status status, struct asks *made, struct asks **asks,
                         struct error *err)
{
    if (!status)
        status = find_format(made, err);
    if (!status)
        status = begin_reading(made, err);
    *asks = status ? NULL : made;
    if (status)
        asks_close(made);
    return status;
}

enum status asks_open(const char *path, const struct selection *selection, bool as_text,
                      const atomic_bool *stop, struct asks **asks, struct error *err)
{
    struct asks *made = make(selection, as_text, stop);
    return begin(open_path(made, path, err), made, asks, err);
}

enum status asks_open_query(struct offline_store *store, const char *sql, const char *name,
                            const struct selection *selection, bool as_text, struct asks **asks,
                            struct error *err)
{
    struct asks *made = make(selection, as_text, NULL);
    made->path = name;
    made->is_query = true;
    enum status status = asks_make_spool(&made->descriptor, err);
    if (!status)
        status = asks_spool_query(store, sql, name, selection, made->descriptor, err);
    return begin(status, made, asks, err);
}

void asks_close(struct asks *asks)
{
    if (!asks)
        return;
    asks->operations->close(asks);
    if (asks->descriptor >= 0)
        close(asks->descriptor);
    arena_release(&asks->names);
    arena_release(&asks->parsed);
    free(asks);
}

const char *asks_name(const struct asks *asks)
{
    return asks->path;
}

size_t asks_column_count(const struct asks *asks)
{
    return asks->column_count;
}

const char *asks_column(const struct asks *asks, size_t column)
{
    return asks->columns[column];
}

value_type asks_column_type(const struct asks *asks, size_t column)
{
    return asks->types[column];
}

size_t asks_key_column(const struct asks *asks, size_t key)
{
    return asks->key_columns[key];
}

size_t asks_time_column(const struct asks *asks)
{
    return asks->time_column;
}

/* Of the header as a whole where a column has no place; a query's rows have none. */
static enum status fail_at_place(const struct asks *asks, const struct asks_place *place,
                                 struct error *err)
{
    if (place->line == 0 || asks->is_query)
        return fail_within(err, "%s", asks->path);
    return fail_at(err, asks->path, place->line, place->column);
}

enum status asks_fail_at_column(const struct asks *asks, size_t column, struct error *err)
{
    return fail_at_place(asks, &asks->places[column], err);
}

static enum status find_column(const struct asks *asks, const struct asks_place *header,
                               const char *name, size_t *column, struct error *err)
{
    for (size_t i = 0; i < asks->column_count; i++) {
        if (strcmp(asks->columns[i], name) == 0) {
            *column = i;
            return STATUS_OK;
        }
    }
    struct arena arena;
    arena_init(&arena, 0);
    bool is_split = asks->column_count > 1 || !strpbrk(asks->columns[0], ";\t|");
    fail(err, STATUS_INVALID, "the header has no column %s%s%s", name,
         strcmp(name, asks_time_name) == 0 ? ", the time that each row asks for" : "",
         is_split ? did_you_mean(&arena, name, asks->columns, asks->column_count)
                  : ": names, and values, are separated by commas");
    arena_release(&arena);
    return fail_at_place(asks, header, err);
}

static enum status check_twice(const struct asks *asks, struct error *err)
{
    for (size_t i = 0; i < asks->column_count; i++)
        for (size_t j = 0; j < i; j++)
            if (strcmp(asks->columns[i], asks->columns[j]) == 0) {
                fail(err, STATUS_INVALID, "the header has column %s twice", asks->columns[i]);
                return asks_fail_at_column(asks, i, err);
            }
    return STATUS_OK;
}

enum status asks_changed(const struct asks *asks, struct error *err)
{
    return fail(err, STATUS_FAILED,
                "%s changed while it was read; run it again when nothing "
                "writes to it",
                asks->path);
}

static enum status check_same(const struct asks *asks, const char *const *columns, size_t count,
                              struct error *err)
{
    bool same = count == asks->column_count;
    for (size_t i = 0; same && i < count; i++)
        same = strcmp(asks->columns[i], columns[i]) == 0;
    return same ? STATUS_OK : asks_changed(asks, err);
}

enum status asks_take_columns(struct asks *asks, const char *const *columns,
                              const struct asks_place *places, size_t count, struct error *err)
{
    if (asks->reading > 1)
        return check_same(asks, columns, count, err);
    asks->column_count = count;
    asks->columns = arena_array(&asks->names, count + 1, sizeof *asks->columns);
    asks->places = arena_array(&asks->names, count + 1, sizeof *asks->places);
    asks->types = arena_array(&asks->names, count + 1, sizeof *asks->types);
    asks->cells = arena_array(&asks->names, count + 1, sizeof *asks->cells);
    for (size_t i = 0; i < count; i++)
        asks->columns[i] = arena_text(&asks->names, columns[i]);
    memcpy(asks->places, places, count * sizeof *places);
    const struct asks_place header = {.line = places[0].line ? 1 : 0, .column = 1};
    enum status status = check_twice(asks, err);
    for (size_t i = 0; !status && i < asks->selection->key_count; i++)
        status =
            find_column(asks, &header, asks->selection->keys[i].name, &asks->key_columns[i], err);
    return status ? status : find_column(asks, &header, asks_time_name, &asks->time_column, err);
}

enum status asks_next(struct asks *asks, const struct ask **ask, struct error *err)
{
    bool found = false;
    *ask = NULL;
    arena_reset(&asks->parsed);
    enum status status = asks->operations->next(asks, &found, err);
    if (status || !found)
        return status;
    asks->ask = (struct ask){.keys = asks->keys, .at_us = asks->at_us, .cells = asks->cells};
    asks->count++;
    *ask = &asks->ask;
    return STATUS_OK;
}

enum status asks_rewind(struct asks *asks, struct error *err)
{
    asks->operations->close(asks);
    return begin_reading(asks, err);
}

uint64_t asks_count(const struct asks *asks)
{
    return asks->count;
}

enum status asks_checksum(struct asks *asks, uint64_t *size, char sha256[CHECKSUM_TEXT_SIZE],
                          struct error *err)
{
    if (fstat(asks->descriptor, &asks->summed))
        return fail(err, STATUS_FAILED, "%s: %s", asks->path, strerror(errno));
    return checksum_of_file(asks->descriptor, asks->path, size, sha256, err);
}

enum status asks_check_unchanged(const struct asks *asks, struct error *err)
{
    struct stat now;
    const struct stat *then = &asks->summed;
    bool same = fstat(asks->descriptor, &now) == 0 && now.st_size == then->st_size &&
                now.st_mtim.tv_sec == then->st_mtim.tv_sec &&
                now.st_mtim.tv_nsec == then->st_mtim.tv_nsec;
    return same ? STATUS_OK : asks_changed(asks, err);
}
