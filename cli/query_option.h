/*
 * query_option.h - SQL that is given as an option: itself, or @FILE that holds it.
 */
#ifndef LARDER_CLI_QUERY_OPTION_H
#define LARDER_CLI_QUERY_OPTION_H

#include "base/arena.h"
#include "base/error.h"

/* In the arena, without the semicolon that may end it. NOT_FOUND or FAILED: the file; INVALID: it
 * is no text, or over a mebibyte. */
enum status query_text_given(const char *option, struct arena *arena, const char **sql,
                             struct error *err);

#endif
