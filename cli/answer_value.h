/*
 * answer_value.h - one value of a server's answer as text. It has to be PRESENT.
 */
#ifndef LARDER_CLI_ANSWER_VALUE_H
#define LARDER_CLI_ANSWER_VALUE_H

#include "base/buffer.h"

struct larder_response;

/* As in CSV (base/value_text.h): text as it is, lists as JSON arrays. */
void answer_value_append(struct buffer *text, const struct larder_response *response, size_t row,
                         size_t column);
/* As in JSON: numbers and bools bare; text, times, bytes, NaN and infinities as strings. */
void answer_value_append_json(struct buffer *json, const struct larder_response *response,
                              size_t row, size_t column);

/* RFC 3339, or the bare microseconds of a time that no calendar has. */
void answer_time_append(struct buffer *text, int64_t us);

#endif
