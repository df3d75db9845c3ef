/*
 * table_writer.h - a table of typed columns, written row by row in one of the formats that a
 * training set may have.
 *
 * Called by training_set.c. The writer collects what its format needs together (a batch, a row
 * group), never the whole table, and appends it to a file that the caller opened and will finish
 * (output_file.h). Equal schemas and equal rows make equal bytes: no time, no chance goes in. A
 * format is one table of operations: see table_writer_backend.h. One thread.
 */
#ifndef LARDER_TRAINING_FORMATS_TABLE_WRITER_H
#define LARDER_TRAINING_FORMATS_TABLE_WRITER_H

#include "base/error.h"
#include "base/value.h"
#include "training/formats/output_file.h"

#include <stddef.h>

enum table_format { TABLE_CSV, TABLE_ARROW, TABLE_ARROW_STREAM, TABLE_PARQUET };

/* NOT_FOUND: there is no format of that name ("csv", "arrow", "arrow-stream", "parquet"). */
enum status table_format_named(const char *name, enum table_format *format, struct error *err);
const char *table_format_name(enum table_format format);
/* By the path's ending; CSV where it has none. INVALID: it says another format than these. */
enum status table_format_of(const char *path, enum table_format *format, struct error *err);

/* What stands beside the rows, for whoever opens the file: of a column, or of all of it. CSV has no
 * room for them. */
struct table_note {
    const char *key, *text;
};
struct table_column {
    const char *name;
    value_type type; /* any that value.h has */
    const struct table_note *notes;
    size_t note_count;
};
/* Borrowed until the writer is closed. */
struct table_schema {
    const struct table_column *columns;
    size_t column_count;
    const struct table_note *notes;
    size_t note_count;
};

struct table_writer;

/* FAILED: the file. */
enum status table_writer_open(enum table_format format, const struct table_schema *schema,
                              struct output_file *file, struct table_writer **writer,
                              struct error *err);
/* values: [column_count], each of its column's type, nulls allowed; copied. */
enum status table_writer_row(struct table_writer *writer, const struct value *values,
                             struct error *err);
/* What is still held back, and the format's end. The file is the caller's to finish. */
enum status table_writer_finish(struct table_writer *writer, struct error *err);
void table_writer_close(struct table_writer *writer); /* accepts NULL */

#endif
