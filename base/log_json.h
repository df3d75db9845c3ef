/*
 * log_json.h - a line of the log as one JSON object: what log.c writes where JSON is asked for.
 *
 * Every value is a string, so that a field never has two types. What is not UTF-8 becomes U+FFFD.
 * However long the parts are, the line is a whole object: values are cut, and the last fields left
 * out.
 */
#ifndef LARDER_BASE_LOG_JSON_H
#define LARDER_BASE_LOG_JSON_H

#include <stddef.h>

enum { LOG_JSON_MIN = 64 };

/* fields are as in log.h: key=value key="quoted value". Writes at most size bytes, without a
 * newline or an end, and returns how many; size is at least LOG_JSON_MIN. */
size_t log_json_line(char *line, size_t size, const char *time, const char *level,
                     const char *message, const char *fields);

#endif
