/*
 * input.h - bytes from a file, a pipe or standard input, by its path, for readers that can be told
 * to stop.
 *
 * A pipe may have nothing to say for hours, and a named one nobody who writes to it: neither the
 * opening nor a read waits for that beyond the flag. Once it is set, every read finds the end; who
 * has come to the end looks at the flag. Descriptors; any thread.
 */
#ifndef LARDER_BASE_INPUT_H
#define LARDER_BASE_INPUT_H

#include "base/error.h"

#include <stdatomic.h>
#include <stddef.h>
#include <sys/types.h>

/* "-" is standard input. NOT_FOUND: no such file; FAILED: it cannot be read, or is a folder. */
enum status input_open(const char *path, int *descriptor, struct error *err);
/* Of standard input that stays open. */
void input_close(int descriptor);
/* In messages: the path, or "standard input". */
const char *input_name(const char *path);

/* As read(2), but for EINTR and EAGAIN, which it does not return. stop may be NULL. */
ssize_t input_read(int descriptor, void *bytes, size_t size, const atomic_bool *stop);

#endif
