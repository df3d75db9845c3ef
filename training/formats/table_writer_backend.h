/*
 * table_writer_backend.h - what a format gives (table_writer.h). Every slot is set.
 *
 * open makes a writer whose first member is struct table_writer, and may write the beginning;
 * close frees it, whether or not it was finished. After an error only close is called.
 */
#ifndef LARDER_TRAINING_FORMATS_TABLE_WRITER_BACKEND_H
#define LARDER_TRAINING_FORMATS_TABLE_WRITER_BACKEND_H

#include "training/formats/table_writer.h"

struct table_writer_operations {
    enum status (*open)(const struct table_schema *schema, struct output_file *file,
                        struct table_writer **writer, struct error *err);
    enum status (*row)(struct table_writer *writer, const struct value *values, struct error *err);
    enum status (*finish)(struct table_writer *writer, struct error *err);
    void (*close)(struct table_writer *writer);
};

struct table_writer {
    const struct table_writer_operations *operations;
};

extern const struct table_writer_operations csv_writer;
extern const struct table_writer_operations arrow_writer;
extern const struct table_writer_operations arrow_stream_writer;
extern const struct table_writer_operations parquet_writer;

#endif
