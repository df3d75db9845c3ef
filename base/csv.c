/*
 * csv.c - see csv.h.
 *
 * A record is scanned where it lies, in the reader's buffer or in the caller's memory, which is
 * never changed. Where it is not all there yet, the buffer is filled further and the scan begins
 * anew: records are short and fills are large. Only fields with doubled quotes are copied.
 */
#include "base/csv.h"

#include "base/input.h"
#include "base/value.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { READ_SIZE = 256 * 1024, FIELDS_FIRST = 32, MARK_SIZE = 3 /* a byte order mark */ };

struct csv_reader {
    char *name;
    int fd; /* -1: memory, or already read to its end */
    bool owns_fd;
    const atomic_bool *stop; /* NULL: nobody stops it */
    uint8_t *buffer;         /* NULL: memory */
    size_t capacity;
    const uint8_t *at;  /* where the next record begins */
    const uint8_t *end; /* of what has been read */
    bool at_eof;        /* nothing comes behind end */
    bool is_ascii;      /* at..end holds nothing else, and no NUL */
    uint64_t line;      /* of at */
    uint64_t record_count;
    uint64_t byte_count;
    size_t expected; /* fields a record; 0: any number */
    struct csv_field *fields;
    size_t count;
    size_t field_capacity;
    bool has_doubled_quotes; /* this record */
    struct buffer unescaped;
};

/* Where a scan stands. Columns are counted from a place whose column is known, since a line may
 * have many fields. */
struct scan {
    const uint8_t *at;
    uint64_t line;
    const uint8_t *counted; /* up to here on this line ... */
    uint32_t characters;    /* ... stand so many characters */
};

enum scan_result { SCAN_DONE, SCAN_NEEDS_MORE, SCAN_FAILED, SCAN_EXHAUSTED };

/* Opening and closing ---------------------------------------------------------------------------
 */

static void *checked(void *memory)
{
    if (!memory)
        out_of_memory();
    return memory;
}

static struct csv_reader *reader_new(const char *name, int fd)
{
    struct csv_reader *reader = checked(malloc(sizeof *reader));
    *reader = (struct csv_reader){.name = checked(strdup(name)), .fd = fd, .line = 1};
    reader->field_capacity = FIELDS_FIRST;
    reader->fields = checked(calloc(FIELDS_FIRST, sizeof *reader->fields));
    buffer_init(&reader->unescaped, 0);
    return reader;
}

static bool begins_with_byte_order_mark(const uint8_t *at, size_t size)
{
    return size >= MARK_SIZE && memcmp(at, "\xef\xbb\xbf", MARK_SIZE) == 0;
}

static void skip_byte_order_mark(struct csv_reader *reader)
{
    if (begins_with_byte_order_mark(reader->at, (size_t)(reader->end - reader->at))) {
        reader->at += MARK_SIZE;
        reader->byte_count += MARK_SIZE;
    }
}

enum status csv_reader_open(const char *path, struct csv_reader **reader, struct error *err)
{
    int fd;
    enum status status = input_open(path, &fd, err);
    if (status)
        return status;
    *reader = csv_reader_open_descriptor(input_name(path), fd);
    (*reader)->owns_fd = true;
    return STATUS_OK;
}

struct csv_reader *csv_reader_open_descriptor(const char *name, int descriptor)
{
    struct csv_reader *reader = reader_new(name, descriptor);
    reader->capacity = READ_SIZE;
    reader->buffer = checked(malloc(READ_SIZE));
    reader->at = reader->end = reader->buffer;
    return reader;
}

struct csv_reader *csv_reader_open_bytes(const char *name, struct bytes text)
{
    struct csv_reader *reader = reader_new(name, -1);
    reader->at = text.size > 0 ? text.data : (const void *)"";
    reader->end = reader->at + text.size;
    reader->at_eof = true;
    skip_byte_order_mark(reader);
    reader->is_ascii =
        text_is_ascii((struct bytes){reader->at, (size_t)(reader->end - reader->at)});
    return reader;
}

void csv_reader_close(struct csv_reader *reader)
{
    if (!reader)
        return;
    if (reader->owns_fd && reader->fd >= 0)
        input_close(reader->fd);
    buffer_release(&reader->unescaped);
    free(reader->fields);
    free(reader->buffer);
    free(reader->name);
    free(reader);
}

void csv_reader_stop_on(struct csv_reader *reader, const atomic_bool *stop)
{
    reader->stop = stop;
}

void csv_reader_expect(struct csv_reader *reader, size_t field_count)
{
    reader->expected = field_count;
    reader->record_count = 0;
}

const char *csv_reader_name(const struct csv_reader *reader)
{
    return reader->name;
}

uint64_t csv_reader_record_count(const struct csv_reader *reader)
{
    return reader->record_count;
}

uint64_t csv_reader_byte_count(const struct csv_reader *reader)
{
    return reader->byte_count;
}

/* Errors ----------------------------------------------------------------------------------------
 */

static enum status fail_in(const struct csv_reader *reader, uint64_t line, uint32_t column,
                           enum status status, const char *text, struct error *err)
{
    fail(err, status, "%s", text);
    fail_at(err, reader->name, line, column);
    return status;
}

static uint32_t count_characters(const uint8_t *from, const uint8_t *to, bool is_ascii)
{
    if (is_ascii)
        return (uint32_t)(to - from);
    uint32_t count = 0;
    for (; from < to; from++)
        count += (*from & 0xc0) != 0x80;
    return count;
}

static uint32_t column_of(const struct csv_reader *reader, struct scan *scan, const uint8_t *at)
{
    scan->characters += count_characters(scan->counted, at, reader->is_ascii);
    scan->counted = at;
    return scan->characters + 1;
}

static enum scan_result scan_failed(const struct csv_reader *reader, struct scan *scan,
                                    const uint8_t *at, const char *text, struct error *err)
{
    fail_in(reader, scan->line, column_of(reader, scan, at), STATUS_INVALID, text, err);
    return SCAN_FAILED;
}

/* Scanning --------------------------------------------------------------------------------------
 */

static struct csv_field *add_field(struct csv_reader *reader)
{
    if (reader->count == CSV_FIELDS_MAX)
        return NULL;
    if (reader->count == reader->field_capacity) {
        reader->field_capacity *= 2;
        reader->fields =
            checked(realloc(reader->fields, reader->field_capacity * sizeof *reader->fields));
    }
    return &reader->fields[reader->count++];
}

static const uint8_t *skip_plain(const uint8_t *at, const uint8_t *end)
{
    static const bool special[256] = {[','] = true, ['"'] = true, ['\n'] = true, ['\r'] = true};
    while (at < end && !special[*at])
        at++;
    return at;
}

/* Newlines inside quotes begin lines, too. */
static void count_lines(struct scan *scan, const uint8_t *from, const uint8_t *to)
{
    const uint8_t *newline;
    while (from < to && (newline = memchr(from, '\n', (size_t)(to - from)))) {
        scan->line++;
        scan->counted = from = newline + 1;
        scan->characters = 0;
    }
}

/* From the opening quote to behind the closing one. */
static enum scan_result scan_quoted(struct csv_reader *reader, struct scan *scan,
                                    struct csv_field *field, struct error *err)
{
    const uint8_t *start = scan->at + 1;
    const uint8_t *from = start;
    for (;;) {
        const uint8_t *quote = memchr(from, '"', (size_t)(reader->end - from));
        if (!quote || (quote + 1 == reader->end && !reader->at_eof)) {
            if (!reader->at_eof)
                return SCAN_NEEDS_MORE;
            return scan_failed(reader, scan, scan->at, "this quote is never closed", err);
        }
        if (quote + 1 == reader->end || quote[1] != '"') {
            field->text = (struct bytes){start, (size_t)(quote - start)};
            count_lines(scan, start, quote);
            scan->at = quote + 1;
            return SCAN_DONE;
        }
        reader->has_doubled_quotes = true;
        from = quote + 2;
    }
}

static enum scan_result scan_field(struct csv_reader *reader, struct scan *scan,
                                   struct csv_field *field, struct error *err)
{
    const uint8_t *start = scan->at;
    *field = (struct csv_field){.line = scan->line, .column = column_of(reader, scan, start)};
    bool is_quoted = start < reader->end && *start == '"';
    if (is_quoted) {
        enum scan_result result = scan_quoted(reader, scan, field, err);
        if (result != SCAN_DONE)
            return result;
    } else {
        scan->at = skip_plain(start, reader->end);
        field->text = (struct bytes){start, (size_t)(scan->at - start)};
        field->is_null = scan->at == start;
    }
    if (scan->at == reader->end)
        return reader->at_eof ? SCAN_DONE : SCAN_NEEDS_MORE;
    if (*scan->at == '"')
        return scan_failed(
            reader, scan, scan->at,
            "a quote in a field that does not begin with one: put the whole field into "
            "quotes and double the quotes inside",
            err);
    if (is_quoted && *scan->at != ',' && *scan->at != '\n' && *scan->at != '\r')
        return scan_failed(reader, scan, scan->at, "text behind the closing quote of a field", err);
    return SCAN_DONE;
}

/* Steps over the end of a record: LF, CRLF, or the end of it all. */
static enum scan_result scan_end(const struct csv_reader *reader, struct scan *scan,
                                 struct error *err)
{
    if (scan->at == reader->end)
        return SCAN_DONE;
    if (*scan->at == '\r') {
        if (scan->at + 1 == reader->end && !reader->at_eof)
            return SCAN_NEEDS_MORE;
        if (scan->at + 1 == reader->end || scan->at[1] != '\n')
            return scan_failed(
                reader, scan, scan->at,
                "a carriage return without a line feed behind it: lines end in LF or "
                "CRLF; inside a field it needs quotes",
                err);
        scan->at++;
    }
    scan->at++;
    scan->line++;
    return SCAN_DONE;
}

static enum scan_result scan_record(struct csv_reader *reader, struct scan *scan, struct error *err)
{
    reader->count = 0;
    reader->has_doubled_quotes = false;
    *scan = (struct scan){.at = reader->at, .line = reader->line, .counted = reader->at};
    for (;;) {
        struct csv_field *field = add_field(reader);
        if (!field) {
            fail_in(reader, reader->line, 1, STATUS_EXHAUSTED, "a record of over 10000 fields",
                    err);
            return SCAN_EXHAUSTED;
        }
        enum scan_result result = scan_field(reader, scan, field, err);
        if (result != SCAN_DONE)
            return result;
        if (scan->at == reader->end || *scan->at != ',')
            return scan_end(reader, scan, err);
        scan->at++;
    }
}

/* Filling ---------------------------------------------------------------------------------------
 */

/* Moves the rest to the buffer's start, and doubles the buffer where a record fills it. */
static void make_room(struct csv_reader *reader)
{
    size_t rest = (size_t)(reader->end - reader->at);
    if (rest > 0)
        memmove(reader->buffer, reader->at, rest);
    if (rest > reader->capacity / 2) {
        reader->capacity *= 2;
        reader->buffer = checked(realloc(reader->buffer, reader->capacity));
    }
    reader->at = reader->buffer;
    reader->end = reader->buffer + rest;
}

static enum status fill(struct csv_reader *reader, struct error *err)
{
    bool is_first = reader->byte_count == 0 && reader->at == reader->end;
    make_room(reader);
    size_t old_size = (size_t)(reader->end - reader->buffer);
    size_t size = old_size;
    /* A byte order mark may come in pieces, so the first fill takes at least as much. */
    while (!reader->at_eof && (size == old_size || (is_first && size < MARK_SIZE))) {
        ssize_t got =
            input_read(reader->fd, reader->buffer + size, reader->capacity - size, reader->stop);
        if (got < 0)
            return fail(err, STATUS_FAILED, "%s: cannot read: %s", reader->name, strerror(errno));
        reader->at_eof = got == 0;
        size += (size_t)got;
    }
    reader->end = reader->buffer + size;
    if (is_first)
        skip_byte_order_mark(reader);
    struct bytes fresh = {reader->buffer + old_size, size - old_size};
    if (old_size == 0)
        fresh = (struct bytes){reader->at, (size_t)(reader->end - reader->at)};
    reader->is_ascii = (old_size == 0 || reader->is_ascii) && text_is_ascii(fresh);
    return STATUS_OK;
}

/* Records ---------------------------------------------------------------------------------------
 */

/* Undoubles the quotes. A field without quotes around it has none inside. */
static void unescape(struct csv_reader *reader, size_t record_size)
{
    buffer_clear(&reader->unescaped);
    uint8_t *to = buffer_reserve(&reader->unescaped, record_size); /* so that it does not move */
    for (size_t i = 0; i < reader->count; i++) {
        struct bytes *text = &reader->fields[i].text;
        const uint8_t *from = text->data;
        if (text->size == 0 || !memchr(from, '"', text->size))
            continue;
        const uint8_t *start = to;
        for (size_t j = 0; j < text->size; j++) {
            *to++ = from[j];
            j += from[j] == '"';
        }
        *text = (struct bytes){start, (size_t)(to - start)};
    }
}

static enum status check_text(const struct csv_reader *reader, const struct scan *scan,
                              struct error *err)
{
    struct bytes record = {reader->at, (size_t)(scan->at - reader->at)};
    size_t valid = text_valid_size(record);
    if (valid == record.size)
        return STATUS_OK;
    const uint8_t *wrong = reader->at + valid;
    struct scan place = {.line = reader->line, .counted = reader->at};
    count_lines(&place, reader->at, wrong);
    uint32_t column = column_of(reader, &place, wrong);
    return fail_in(reader, place.line, column, STATUS_INVALID,
                   *wrong == 0 ? "a NUL byte, which no text may hold"
                               : "a byte that is not UTF-8: save the file as UTF-8",
                   err);
}

static enum status check_count(const struct csv_reader *reader, struct error *err)
{
    if (reader->expected == 0 || reader->count == reader->expected)
        return STATUS_OK;
    bool is_short = reader->count < reader->expected;
    const struct csv_field *place =
        &reader->fields[is_short ? reader->count - 1 : reader->expected];
    fail(err, STATUS_INVALID, "the record is too %s: %zu fields, where the header has %zu",
         is_short ? "short" : "long", reader->count, reader->expected);
    fail_at(err, reader->name, place->line, place->column);
    return STATUS_INVALID;
}

/* Scans until a record is there, filling the buffer as needed. */
static enum status find_record(struct csv_reader *reader, struct scan *scan, struct error *err)
{
    for (;;) {
        enum scan_result result = scan_record(reader, scan, err);
        if (result == SCAN_FAILED || result == SCAN_EXHAUSTED)
            return result == SCAN_FAILED ? STATUS_INVALID : STATUS_EXHAUSTED;
        size_t size = (size_t)((result == SCAN_DONE ? scan->at : reader->end) - reader->at);
        if (size > CSV_RECORD_MAX)
            return fail_in(reader, reader->line, 1, STATUS_EXHAUSTED,
                           "a record of over 64 MiB: is a quote left open here?", err);
        if (result == SCAN_DONE)
            return STATUS_OK;
        enum status status = fill(reader, err);
        if (status != STATUS_OK)
            return status;
    }
}

static void move_on(struct csv_reader *reader, const struct scan *scan)
{
    reader->byte_count += (uint64_t)(scan->at - reader->at);
    reader->at = scan->at;
    reader->line = scan->line;
}

enum status csv_reader_next(struct csv_reader *reader, const struct csv_field **fields,
                            size_t *count, struct error *err)
{
    struct scan scan;
    *fields = reader->fields;
    *count = 0;
    for (;;) {
        enum status status = find_record(reader, &scan, err);
        if (status != STATUS_OK)
            return status;
        if (scan.at == reader->at) /* not even a newline: the end */
            return STATUS_OK;
        bool is_blank = reader->count == 1 && reader->fields[0].is_null;
        if (!is_blank || reader->expected == 1)
            break;
        move_on(reader, &scan);
    }
    if (!reader->is_ascii && check_text(reader, &scan, err) != STATUS_OK)
        return STATUS_INVALID;
    if (check_count(reader, err) != STATUS_OK)
        return STATUS_INVALID;
    if (reader->has_doubled_quotes)
        unescape(reader, (size_t)(scan.at - reader->at));
    move_on(reader, &scan);
    reader->record_count++;
    *fields = reader->fields;
    *count = reader->count;
    return STATUS_OK;
}

/* Writing ---------------------------------------------------------------------------------------
 */

void csv_append_null(struct buffer *csv, bool first)
{
    if (!first)
        buffer_append_byte(csv, ',');
}

static bool needs_quotes(struct bytes text)
{
    const uint8_t *data = text.data;
    if (text.size == 0 || data[0] == ' ' || data[text.size - 1] == ' ')
        return true;
    /* The first field of a file would lose such a beginning. */
    if (begins_with_byte_order_mark(data, text.size))
        return true;
    /* PostgreSQL takes a line of \. alone for the end of the data. */
    return skip_plain(data, data + text.size) < data + text.size ||
           bytes_equal(text, bytes_of_text("\\."));
}

static void append_quoted(struct buffer *csv, struct bytes text)
{
    const uint8_t *from = text.data;
    uint8_t *room = buffer_reserve(csv, text.size * 2 + 2);
    if (!room)
        return;
    uint8_t *to = room;
    *to++ = '"';
    for (size_t i = 0; i < text.size; i++) {
        if (from[i] == '"')
            *to++ = '"';
        *to++ = from[i];
    }
    *to++ = '"';
    csv->size += (size_t)(to - room);
}

void csv_append(struct buffer *csv, bool first, struct bytes text)
{
    csv_append_null(csv, first);
    if (needs_quotes(text))
        append_quoted(csv, text);
    else
        buffer_append(csv, text.data, text.size);
}

void csv_append_end(struct buffer *csv)
{
    buffer_append_byte(csv, '\n');
}
