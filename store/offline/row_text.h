/*
 * row_text.h - how a message names a row of a source: by its keys, long ones cut.
 *
 * For the backends of the offline store, so that each names rows alike.
 */
#ifndef LARDER_STORE_OFFLINE_ROW_TEXT_H
#define LARDER_STORE_OFFLINE_ROW_TEXT_H

#include "base/arena.h"
#include "base/value.h"
#include "config/definitions.h"

/* How much of a value's text a message shows: it ends where a character does. */
size_t row_text_cut(const char *text, size_t size);
/* "origin=JFK, k2=5, " of the first keys; long values are cut. */
const char *row_keys_text(const struct feature_view *view, const struct value *keys, size_t count,
                          struct arena *arena);

#endif
