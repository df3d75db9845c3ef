/*
 * result.h - how the functions of the SDK tell an error: larder_fail fills it where the facts are.
 */
#ifndef LARDER_SDK_RESULT_H
#define LARDER_SDK_RESULT_H

#include "sdk/c/include/larder/larder.h"

/* Fills err (which may be NULL) and returns result. The message becomes one line of whole
 * characters. */
enum larder_result larder_fail(struct larder_error *err, enum larder_result result,
                               const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
