/*
 * checksum.h - SHA-256: what a file or a document is known by, wherever it goes.
 *
 * Manifests hold the checksums of what a training set was made from and of the set itself, as 64
 * hexadecimal digits; `sha256sum` prints the same. One thread.
 */
#ifndef LARDER_TRAINING_FORMATS_CHECKSUM_H
#define LARDER_TRAINING_FORMATS_CHECKSUM_H

#include "base/bytes.h"
#include "base/error.h"

#include <stdint.h>

enum { CHECKSUM_TEXT_SIZE = 65 };

struct checksum;

struct checksum *checksum_open(void);
void checksum_add(struct checksum *checksum, struct bytes bytes);
/* Of all that was added. Ends it: nothing is added behind. */
void checksum_finish(struct checksum *checksum, char text[CHECKSUM_TEXT_SIZE]);
void checksum_close(struct checksum *checksum);

void checksum_of_bytes(struct bytes bytes, char text[CHECKSUM_TEXT_SIZE]);
/* Of a whole plain file; where the descriptor stands in it is left alone. name: in messages. */
enum status checksum_of_file(int descriptor, const char *name, uint64_t *size,
                             char text[CHECKSUM_TEXT_SIZE], struct error *err);

#endif
