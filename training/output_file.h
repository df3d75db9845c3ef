/*
 * output_file.h - a file that appears whole or not at all: until it is complete it has no name, or,
 * where the file system cannot do that, another name beside its place. One thread.
 *
 * A link is followed: what it points to is replaced. What is no plain file (a pipe, a device,
 * standard output as "-" or /dev/stdout) is written directly.
 */
#ifndef LARDER_TRAINING_OUTPUT_FILE_H
#define LARDER_TRAINING_OUTPUT_FILE_H

#include "base/buffer.h"
#include "base/error.h"

#include <stdbool.h>

struct output_file;

/* FAILED with the system's reason. */
enum status output_file_open(const char *path, struct output_file **file, struct error *err);
/* Collects; writes when there is enough. */
enum status output_file_append(struct output_file *file, const struct buffer *bytes,
                               struct error *err);
/* Everything written, synced, and in its place. */
enum status output_file_finish(struct output_file *file, struct error *err);
void output_file_close(struct output_file *file); /* removes what was not finished */

bool output_is_standard(const char *path);
/* How messages call it: the path, or "standard output". */
const char *output_name(const char *path);

#endif
