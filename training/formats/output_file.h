/*
 * output_file.h - a file that appears whole or not at all: until it is complete it has no name, or,
 * where the file system cannot do that, another name beside its place. One thread.
 *
 * A link is followed: what it points to is replaced. What is no plain file (a pipe, a device,
 * standard output as "-" or /dev/stdout) is written directly.
 *
 * Files that belong together are completed all before the first is placed: until then any of them
 * can fail, and nothing has changed.
 */
#ifndef LARDER_TRAINING_FORMATS_OUTPUT_FILE_H
#define LARDER_TRAINING_FORMATS_OUTPUT_FILE_H

#include "base/buffer.h"
#include "base/error.h"
#include "training/formats/checksum.h"

#include <stdbool.h>
#include <stdint.h>

struct output_file;

/* FAILED with the system's reason. */
enum status output_file_open(const char *path, struct output_file **file, struct error *err);
/* Collects; writes when there is enough. */
enum status output_file_append(struct output_file *file, const struct buffer *bytes,
                               struct error *err);
/* Everything written and synced, beside its place. */
enum status output_file_complete(struct output_file *file, struct error *err);
/* What was completed, into its place. */
enum status output_file_place(struct output_file *file, struct error *err);
/* Both at once. */
enum status output_file_finish(struct output_file *file, struct error *err);
/* Removes what stands in its place, which no longer holds: the file itself is still to come. */
enum status output_file_vacate(struct output_file *file, struct error *err);
void output_file_close(struct output_file *file); /* removes what was not finished */

/* Of a file that is complete. */
struct output_summary {
    uint64_t size; /* in bytes */
    char sha256[CHECKSUM_TEXT_SIZE];
};
const struct output_summary *output_file_summary(const struct output_file *file);

/* Whether it is, or will be, a plain file with a place beside which others can stand. */
bool output_is_plain(const char *path);
bool output_is_standard(const char *path);
/* How messages call it: the path, or "standard output". */
const char *output_name(const char *path);

#endif
