/*
 * metrics_text.h - numbers in Prometheus' text format, version 0.0.4: the one place that knows it.
 *
 *     metrics_family(&text, METRIC_COUNTER, "larder_requests_total", "Calls answered.");
 *     metrics_number(&text, 12, "method", "GetFeatures", "code", "OK", NULL);
 *
 * A family is named once, and its samples follow it. Labels are pairs of texts that end with NULL;
 * values may hold anything.
 */
#ifndef LARDER_SERVER_HTTP_METRICS_TEXT_H
#define LARDER_SERVER_HTTP_METRICS_TEXT_H

#include "base/buffer.h"
#include "base/histogram.h"

#include <stdint.h>

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

/* Sets of labels: as many pairs as that. */
enum { METRIC_LABELS_MAX = 4 };

struct metrics_text {
    struct buffer *out;
    const char *family;
};

void metrics_family(struct metrics_text *text, enum metric_type type, const char *name,
                    const char *help);
void metrics_number(struct metrics_text *text, uint64_t number, ...) __attribute__((sentinel));
/* A number of millionths. */
void metrics_micros(struct metrics_text *text, uint64_t micros, ...) __attribute__((sentinel));

/* What bounds and sum are told in: themselves, or seconds, where they are microseconds. */
enum metric_unit {
    METRIC_COUNTS,       /* both as they are */
    METRIC_SECONDS,      /* both are microseconds */
    METRIC_LONG_SECONDS, /* bounds are microseconds, the sum is seconds */
};
void metrics_histogram(struct metrics_text *text, const struct histogram_bounds *bounds,
                       enum metric_unit unit, const struct histogram_total *total, ...)
    __attribute__((sentinel));

#endif
