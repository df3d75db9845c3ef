/*
 * arrow_schema.h - a table's columns as Arrow has them: for its IPC format, and for Parquet, where
 * readers that know Arrow take a column's notes from there.
 */
#ifndef LARDER_TRAINING_FORMATS_ARROW_SCHEMA_H
#define LARDER_TRAINING_FORMATS_ARROW_SCHEMA_H

#include "base/buffer.h"
#include "training/formats/table_writer.h"

struct ArrowSchema;

/* A struct of all columns; the caller releases it. */
void arrow_schema_make(const struct table_schema *schema, struct ArrowSchema *arrow);
/* As a message of the IPC format in base64, with a NUL behind it: what Parquet calls ARROW:schema.
 */
void arrow_schema_text(const struct table_schema *schema, struct buffer *text);

#endif
