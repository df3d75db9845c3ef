/*
 * arguments.h - "--name value" pairs of the bench programs, and their end with a message.
 */
#ifndef LARDER_BENCH_ARGUMENTS_H
#define LARDER_BENCH_ARGUMENTS_H

#include <stddef.h>
#include <stdint.h>

/* The value behind --name; ends the program if it is not there and there is no fallback. */
const char *argument_text(int count, char **words, const char *name, const char *fallback);
double argument_number(int count, char **words, const char *name, const char *fallback);

/* A file's bytes, for the caller to free; ends the program if it cannot be read. */
uint8_t *argument_file(const char *path, size_t *size);

/* "PROGRAM: message" on stderr, and exit 1. */
_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
