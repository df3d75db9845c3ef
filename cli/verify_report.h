/*
 * verify_report.h - what verify found, for people (verify_text.c) and for programs (verify_json.c).
 */
#ifndef LARDER_CLI_VERIFY_REPORT_H
#define LARDER_CLI_VERIFY_REPORT_H

#include "training/verify.h"

struct json_t;

struct verify_report {
    const struct verified_view *views;
    size_t count;
    uint64_t keys, differences; /* of all views */
    bool is_within;             /* the differences are no more than allowed */
    const char *error;          /* why it ended before all views were compared; NULL */
};

/* "missing" */
const char *verdict_name(enum verdict verdict);
/* "it was never materialized": why a view was not compared, and what to do about it. */
const char *verify_reason(const struct verified_view *view, struct arena *arena);

void verify_report_print(const struct verify_report *report, struct arena *arena);
struct json_t *verify_report_to_json(const struct verify_report *report);

#endif
