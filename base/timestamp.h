/*
 * timestamp.h - instants and durations: microseconds since 1970-01-01T00:00:00Z in an int64.
 *
 * Proleptic Gregorian calendar, no leap seconds, like PostgreSQL. Values that a feature may hold
 * lie in the years 1 to 9999; timestamp_in_range says whether one does. No function here reads the
 * process's time zone. Everything is pure and thread-safe.
 */
#ifndef LARDER_BASE_TIMESTAMP_H
#define LARDER_BASE_TIMESTAMP_H

#include "base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

#define TIMESTAMP_MIN INT64_C(-62135596800000000) /* 0001-01-01T00:00:00Z */
#define TIMESTAMP_MAX INT64_C(253402300799999999) /* 9999-12-31T23:59:59.999999Z */
/* An unknown created time; less than every known one. */
#define TIMESTAMP_UNKNOWN INT64_MIN
/* PostgreSQL counts from 2000-01-01: add this to its microseconds to get ours. */
#define TIMESTAMP_POSTGRES_EPOCH_US INT64_C(946684800000000)

enum { TIMESTAMP_TEXT_SIZE = 32, DURATION_TEXT_SIZE = 32 };

static inline bool timestamp_in_range(int64_t us)
{
    return us >= TIMESTAMP_MIN && us <= TIMESTAMP_MAX;
}

/* RFC 3339 with any offset, "T" or a space between date and time, up to 9 fraction digits (further
 * than microseconds cut), a bare date, or no zone (which means UTC). An offset may lack its minutes
 * or its colon, as in PostgreSQL's output. false if it is none of these, or outside the years 1 to
 * 9999. */
bool timestamp_parse(struct bytes text, int64_t *us);

/* Writes "2013-01-01T10:00:00.000000Z" and a NUL; returns its length (27). us must be in range. */
size_t timestamp_format(int64_t us, char text[TIMESTAMP_TEXT_SIZE]);

/* "90s", "15m", "6h", "7d", "2w" or "0"; false if it is none, negative, or over 10,000 years. */
bool duration_parse(struct bytes text, int64_t *us);
/* The shortest such text; sub-second rests as "1500ms"; returns its length. For messages. */
size_t duration_format(int64_t us, char text[DURATION_TEXT_SIZE]);

/* The machine's clock, in microseconds since 1970; and one that never goes back, for waiting. */
int64_t timestamp_now(void);
int64_t timestamp_monotonic_us(void);

/* a + b and a - b, held at INT64_MIN and INT64_MAX instead of overflowing. */
int64_t timestamp_add(int64_t us, int64_t duration_us);
int64_t timestamp_subtract(int64_t us, int64_t duration_us);

#endif
