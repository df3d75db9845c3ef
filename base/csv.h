/*
 * csv.h - CSV in and out, as PostgreSQL has it: a null is an empty field without quotes, "" is the
 * empty string, quotes are doubled inside quotes, records end in LF or CRLF, newlines may stand
 * inside quotes. UTF-8; a byte order mark at the start is skipped.
 *
 * The reader streams: its memory is bounded by the longest record (CSV_RECORD_MAX), never by the
 * file. Errors carry FILE:LINE:COLUMN (1-based; column in characters of the line where the field
 * starts). One thread.
 */
#ifndef LARDER_BASE_CSV_H
#define LARDER_BASE_CSV_H

#include "base/buffer.h"
#include "base/error.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { CSV_RECORD_MAX = 64 * 1024 * 1024, CSV_FIELDS_MAX = 10000 };

struct csv_field {
    struct bytes text; /* unquoted and unescaped; borrowed until the next record */
    bool is_null;      /* empty and without quotes */
    uint64_t line;
    uint32_t column;
};

struct csv_reader;

/* Reads path, or standard input where path is "-". NOT_FOUND or FAILED. */
enum status csv_reader_open(const char *path, struct csv_reader **reader, struct error *err);
/* Reads what the descriptor gives from where it stands, under a name for messages; the descriptor
 * stays the caller's and must outlive the reader. */
struct csv_reader *csv_reader_open_descriptor(const char *name, int descriptor);
/* Reads from memory, under a name for messages; the bytes must outlive the reader. */
struct csv_reader *csv_reader_open_bytes(const char *name, struct bytes text);
void csv_reader_close(struct csv_reader *reader);
/* From now on the flag, once it is set, is the end: who has come there looks at it (input.h). */
void csv_reader_stop_on(struct csv_reader *reader, const atomic_bool *stop);

/* The next record; *count 0 with OK is the end. Blank lines between records are skipped (in a file
 * of one column a blank line is a null). INVALID: unclosed quote, text behind a closing quote, a
 * quote or a lone CR in a field without quotes, not UTF-8, a NUL; EXHAUSTED: a record over the
 * limit. After an error, the same error again. */
enum status csv_reader_next(struct csv_reader *reader, const struct csv_field **fields,
                            size_t *count, struct error *err);
/* After the header is read: records with another number of fields are INVALID ("too short", "too
 * long"). */
void csv_reader_expect(struct csv_reader *reader, size_t field_count);
const char *csv_reader_name(const struct csv_reader *reader);
/* Records so far, not those before csv_reader_expect (the header); bytes so far, for progress. */
uint64_t csv_reader_record_count(const struct csv_reader *reader);
uint64_t csv_reader_byte_count(const struct csv_reader *reader);

/* One field of a record into a buffer: a comma before it unless it is the first of its line. */
void csv_append_null(struct buffer *csv, bool first);
void csv_append(struct buffer *csv, bool first, struct bytes text);
void csv_append_end(struct buffer *csv); /* LF */

#endif
