/* table_writer.c - see table_writer.h: which format a name or a path means, and the way there. */
#include "training/formats/table_writer.h"

#include "training/formats/table_writer_backend.h"

#include <strings.h>

static const struct {
    const char *name;
    const char *endings[3]; /* NULL ends them */
    const struct table_writer_operations *operations;
} formats[] = {
    [TABLE_CSV] = {"csv", {"csv", "txt"}, &csv_writer},
    [TABLE_ARROW] = {"arrow", {"arrow", "feather"}, &arrow_writer},
    [TABLE_ARROW_STREAM] = {"arrow-stream", {"arrows"}, &arrow_stream_writer},
    [TABLE_PARQUET] = {"parquet", {"parquet"}, &parquet_writer},
};

enum status table_format_named(const char *name, enum table_format *format, struct error *err)
{
    for (size_t i = 0; i < COUNT_OF(formats); i++) {
        if (strcmp(formats[i].name, name) == 0) {
            *format = (enum table_format)i;
            return STATUS_OK;
        }
    }
    return fail(err, STATUS_NOT_FOUND,
                "%s is no format; there are csv, arrow, arrow-stream, parquet", name);
}

const char *table_format_name(enum table_format format)
{
    return formats[format].name;
}

/* What stands behind the last dot of the file's name; NULL: nothing. */
static const char *ending_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    const char *dot = strrchr(name, '.');
    return dot && dot > name && dot[1] ? dot + 1 : NULL;
}

enum status table_format_of(const char *path, enum table_format *format, struct error *err)
{
    const char *ending = output_is_standard(path) ? NULL : ending_of(path);
    *format = TABLE_CSV;
    if (!ending)
        return STATUS_OK;
    for (size_t i = 0; i < COUNT_OF(formats); i++) {
        for (const char *const *known = formats[i].endings; *known; known++) {
            if (strcasecmp(*known, ending) == 0) {
                *format = (enum table_format)i;
                return STATUS_OK;
            }
        }
    }
    return fail(err, STATUS_INVALID,
                "%s: the ending .%s names no format of a training set; end it in .csv, .arrow, "
                ".arrows or .parquet, or say which by --format",
                path, ending);
}

enum status table_writer_open(enum table_format format, const struct table_schema *schema,
                              struct output_file *file, struct table_writer **writer,
                              struct error *err)
{
    const struct table_writer_operations *operations = formats[format].operations;
    enum status status = operations->open(schema, file, writer, err);
    if (!status)
        (*writer)->operations = operations;
    return status;
}

enum status table_writer_row(struct table_writer *writer, const struct value *values,
                             struct error *err)
{
    return writer->operations->row(writer, values, err);
}

enum status table_writer_finish(struct table_writer *writer, struct error *err)
{
    return writer->operations->finish(writer, err);
}

void table_writer_close(struct table_writer *writer)
{
    if (writer)
        writer->operations->close(writer);
}
