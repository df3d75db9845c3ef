/*
 * error.h - what a function that can fail returns, and where it says why.
 *
 * Every such function returns `enum status` and takes a `struct error *` that the caller owns. It
 * is filled once, where the facts are known, with a sentence that says what failed, where, and what
 * to do; above that point it is passed on. Compare statuses, never messages. A NULL error is
 * allowed and drops the message.
 *
 * Absence is a result, not an error. Broken promises between our own functions are assertions.
 */
#ifndef LARDER_BASE_ERROR_H
#define LARDER_BASE_ERROR_H

#include <stdarg.h>
#include <stdint.h>

/* Each value says what the caller can do about it. */
enum status {
    STATUS_OK = 0,
    STATUS_INVALID,     /* the call, the definitions or the input are wrong: correct them */
    STATUS_NOT_FOUND,   /* a thing that was named does not exist: name another, or make it */
    STATUS_CONFLICT,    /* refused as things stand: the message names the option or the step */
    STATUS_UNAVAILABLE, /* a service cannot be reached: try again later */
    STATUS_EXHAUSTED,   /* a limit was met: ask for less, or later */
    STATUS_CORRUPT,     /* bytes are not what their writer would have made */
    STATUS_CANCELLED,   /* somebody asked us to stop */
    STATUS_FAILED,      /* anything else that the world did to us */
};

enum { ERROR_MESSAGE_SIZE = 2048 };

struct error {
    enum status status;
    char message[ERROR_MESSAGE_SIZE]; /* one line, no newline; UTF-8; cut at its end if too long */
    /* Where a mistake stands in a file, so that the line can be shown; line 0: in none. The
     * file's name is in the message, file_size bytes from file_at. */
    uint64_t line;
    uint32_t column;
    uint16_t file_at, file_size;
};

/* The name of a status, such as "UNAVAILABLE", for logs. Never NULL. */
const char *status_name(enum status status);

/* Fills err (which may be NULL) and returns status, so that `return fail(err, ...)` reads well. */
enum status fail(struct error *err, enum status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "context: " before the message that err already holds; returns err's status. */
enum status fail_within(struct error *err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Puts "FILE:LINE:COLUMN: " before the message that err already holds, and keeps the place; returns
 * err's status. */
enum status fail_at(struct error *err, const char *file, uint64_t line, uint32_t column);

/* Ends the process with a message: out of memory, and nothing else. */
_Noreturn void out_of_memory(void);

#endif
