/*
 * parquet_column.h - one column of a Parquet file: its values of the row group that is being
 * collected, then the chunk that they become.
 *
 * Called by parquet_writer.c. A chunk is one data page, behind a dictionary page where strings or
 * bytes repeat. A list is Parquet's group of three levels. One thread.
 */
#ifndef LARDER_TRAINING_FORMATS_PARQUET_COLUMN_H
#define LARDER_TRAINING_FORMATS_PARQUET_COLUMN_H

#include "base/error.h"
#include "base/value.h"
#include "training/formats/parquet_page.h"
#include "training/formats/thrift_compact.h"

struct parquet_column;

/* name is borrowed. */
struct parquet_column *parquet_column_new(const char *name, value_type type);
void parquet_column_free(struct parquet_column *column); /* accepts NULL */

void parquet_column_add(struct parquet_column *column, const struct value *value);
/* What it holds of the row group, in bytes. */
size_t parquet_column_size(const struct parquet_column *column);

/* Appends the pages, which will stand at `offset` of the file, and the chunk's metadata as an
 * element of a list; then the column is empty again. */
enum status parquet_column_flush(struct parquet_column *column, int64_t offset,
                                 struct parquet_pages *pages, struct thrift *metadata,
                                 struct parquet_chunk_size *size, struct error *err);

/* Its elements of the schema, of which it has parquet_column_element_count. */
size_t parquet_column_element_count(const struct parquet_column *column);
void parquet_column_describe(const struct parquet_column *column, struct thrift *schema);

#endif
