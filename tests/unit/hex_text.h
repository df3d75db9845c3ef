/* hex_text.h - bytes as tests write them down: "02 00 00 00". */
#ifndef LARDER_TESTS_HEX_TEXT_H
#define LARDER_TESTS_HEX_TEXT_H

#include "base/buffer.h"

/* Fails where the bytes are others. */
void check_hex(struct bytes bytes, const char *hex);

#endif
