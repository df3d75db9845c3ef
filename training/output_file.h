/*
 * output_file.h - a file that appears whole or not at all: written beside its place under another
 * name, and renamed when it is complete. One thread.
 */
#ifndef LARDER_TRAINING_OUTPUT_FILE_H
#define LARDER_TRAINING_OUTPUT_FILE_H

#include "base/buffer.h"
#include "base/error.h"

struct output_file;

/* FAILED with the system's reason. A path that is no plain file (a pipe, /dev/stdout) is written
 * directly. */
enum status output_file_open(const char *path, struct output_file **file, struct error *err);
/* Collects; writes when there is enough. */
enum status output_file_append(struct output_file *file, const struct buffer *bytes,
                               struct error *err);
/* Everything written, synced, and in its place. */
enum status output_file_finish(struct output_file *file, struct error *err);
void output_file_close(struct output_file *file); /* removes what was not finished */

#endif
