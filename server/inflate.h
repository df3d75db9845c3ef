/*
 * inflate.h - a compressed request, made whole within a limit.
 *
 * gRPC core would expand a message without asking how large it becomes: 16 MiB that were let in
 * could be 16 GiB afterwards. So it is told to leave them as they are, and they are expanded here.
 */
#ifndef LARDER_SERVER_INFLATE_H
#define LARDER_SERVER_INFLATE_H

#include "base/bytes.h"
#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

/* gzip's or zlib's format, whichever it is. *expanded is the caller's to free, NULL on an error;
 * *size is what was expanded, even then.
 * EXHAUSTED: more than max_size bytes; INVALID: no such format, cut off, or damaged. */
enum status inflate_message(struct bytes compressed, size_t max_size, uint8_t **expanded,
                            size_t *size, struct error *err);

#endif
