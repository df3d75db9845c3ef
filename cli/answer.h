/*
 * answer.h - the features of some entities, as the server gave them: for people and for programs.
 */
#ifndef LARDER_CLI_ANSWER_H
#define LARDER_CLI_ANSWER_H

#include "cli/entities.h"

struct larder_response;

/* One table an entity: FEATURE, VALUE, STATUS, AGE. A value that is not there is "-", and its
 * status says why; text that could be taken for something else is quoted as in JSON. On a terminal
 * long values are cut to its width. */
void answer_print(const struct entities *entities, const struct larder_response *response,
                  struct arena *arena);

/*
 * {"definitions_version": 3,
 *  "entities": [{"keys": {"driver_id": 1},
 *                "features": {"rating": {"value": 0.1, "status": "PRESENT",
 *                                        "event_time": "2026-01-31T09:30:00.000000Z"}}}]}
 *
 * value is null unless status is PRESENT, event_time null where there is no row. Numbers are the
 * shortest text that reads back the same; what JSON lacks (NaN, infinities, times, bytes) is a
 * string as in CSV. Returns an exit code.
 */
int answer_print_json(const struct entities *entities, const struct larder_response *response);

#endif
