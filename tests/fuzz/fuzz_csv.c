/*
 * fuzz_csv.c - any bytes as a CSV file.
 *
 * The first byte says how many fields a record must have (0: any) and into how many pieces the file
 * is cut when it is read through a pipe; the second, as what type each field is read. What is read
 * must be the same from memory and through the pipe, errors and places included; written again and
 * read again it must be the same; and a field that is a value must be it again after it was
 * written.
 */
#include "base/arena.h"
#include "base/csv.h"
#include "base/value_text.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PIECES_MAX = 8, PIPED_MAX = 4096 };

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_value_comes_back(value_type type, struct bytes text)
{
    struct arena arena;
    struct buffer written;
    struct value value, again;
    arena_init(&arena, 0);
    buffer_init(&written, 0);
    if (value_parse(type, text, &arena, &value, NULL) == STATUS_OK) {
        value_format(&value, &written);
        require(value_parse(type, buffer_bytes(&written), &arena, &again, NULL) == STATUS_OK);
        require(value_equal(&value, &again));
    }
    buffer_release(&written);
    arena_release(&arena);
}

/* Writes down all that a reader says; with the places where `places` is set. Closes the reader. */
static enum status write_down(struct csv_reader *reader, size_t expected, bool places,
                              struct buffer *said)
{
    const struct csv_field *fields;
    struct error err = {0};
    size_t count;
    enum status status;
    if (expected > 0)
        csv_reader_expect(reader, expected);
    while ((status = csv_reader_next(reader, &fields, &count, &err)) == STATUS_OK && count > 0) {
        for (size_t i = 0; i < count; i++) {
            require(text_is_valid(fields[i].text) && (!fields[i].is_null || !fields[i].text.size));
            buffer_printf(said, "%d %zu ", fields[i].is_null, fields[i].text.size);
            if (places)
                buffer_printf(said, "%llu:%u ", (unsigned long long)fields[i].line,
                              fields[i].column);
            buffer_append(said, fields[i].text.data, fields[i].text.size);
        }
        buffer_append_byte(said, '\n');
    }
    if (places)
        buffer_printf(said, "%d %s %llu", status, status ? strchr(err.message, ':') : "",
                      (unsigned long long)csv_reader_byte_count(reader));
    csv_reader_close(reader);
    return status;
}

/* A pipe in packet mode, where each read gets one piece and no more. */
static void check_pipe_reads_alike(struct bytes text, size_t expected, size_t pieces,
                                   const struct buffer *said)
{
    int ends[2];
    char path[64];
    struct csv_reader *reader;
    struct buffer said_by_pipe;
    require(pipe2(ends, O_DIRECT | O_CLOEXEC) == 0);
    size_t written = 0;
    for (size_t i = 1; i <= pieces; i++) {
        size_t end = text.size * i / pieces;
        if (end > written)
            require(write(ends[1], (const char *)text.data + written, end - written) ==
                    (ssize_t)(end - written));
        written = end;
    }
    snprintf(path, sizeof path, "/proc/self/fd/%d", ends[0]);
    require(csv_reader_open(path, &reader, NULL) == STATUS_OK);
    close(ends[1]);
    buffer_init(&said_by_pipe, 0);
    write_down(reader, expected, true, &said_by_pipe);
    require(bytes_equal(buffer_bytes(said), buffer_bytes(&said_by_pipe)));
    buffer_release(&said_by_pipe);
    close(ends[0]);
}

static void write_again(struct bytes text, size_t expected, value_type type, struct buffer *csv)
{
    const struct csv_field *fields;
    size_t count;
    struct csv_reader *reader = csv_reader_open_bytes("again", text);
    if (expected > 0)
        csv_reader_expect(reader, expected);
    while (csv_reader_next(reader, &fields, &count, NULL) == STATUS_OK && count > 0) {
        for (size_t i = 0; i < count; i++) {
            if (fields[i].is_null)
                csv_append_null(csv, i == 0);
            else
                csv_append(csv, i == 0, fields[i].text);
            check_value_comes_back(type, fields[i].text);
        }
        csv_append_end(csv);
    }
    csv_reader_close(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    size_t expected = data[0] % 4;
    size_t pieces = 1 + data[0] / 4 % PIECES_MAX;
    value_type type = (value_type)((TYPE_BOOL + data[1] % 8) | (data[1] & TYPE_LIST));
    struct bytes text = {data + 2, size - 2};
    struct buffer said, content, csv, content_again;
    buffer_init(&said, 0);
    buffer_init(&content, 0);
    buffer_init(&csv, 0);
    buffer_init(&content_again, 0);
    write_down(csv_reader_open_bytes("memory", text), expected, true, &said);
    if (text.size <= PIPED_MAX)
        check_pipe_reads_alike(text, expected, pieces, &said);
    enum status status =
        write_down(csv_reader_open_bytes("first", text), expected, false, &content);
    if (status == STATUS_OK) {
        write_again(text, expected, type, &csv);
        write_down(csv_reader_open_bytes("second", buffer_bytes(&csv)), expected, false,
                   &content_again);
        require(bytes_equal(buffer_bytes(&content), buffer_bytes(&content_again)));
    }
    buffer_release(&said);
    buffer_release(&content);
    buffer_release(&csv);
    buffer_release(&content_again);
    return 0;
}
