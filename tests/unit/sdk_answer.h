/*
 * sdk_answer.h - answers as a server would pack them, for tests of what reads them.
 */
#ifndef LARDER_TESTS_SDK_ANSWER_H
#define LARDER_TESTS_SDK_ANSWER_H

#include "larder/v1/feature_service.pb-c.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Three rows of every type: doubles, floats, int64s, int32s, bools, strings, bytes, timestamps,
 * int_lists, string_lists, in two views. Row 0 is all PRESENT, row 1 all NULL_VALUE, and row 2 has
 * no row; the column doubles leaves its statuses out (all PRESENT). Static: tests alter a copy's
 * pointers.
 */
struct sdk_answer {
    Larder__V1__GetFeaturesResponse wire;
    Larder__V1__FeatureColumn *columns[10];
    Larder__V1__ViewColumn *views[2];
    Larder__V1__FeatureColumn column[10];
    Larder__V1__ViewColumn view[2];
    Larder__V1__DoubleValues doubles;
    Larder__V1__FloatValues floats;
    Larder__V1__Int64Values int64s;
    Larder__V1__Int32Values int32s;
    Larder__V1__BoolValues bools;
    Larder__V1__StringValues strings;
    Larder__V1__BytesValues bytes;
    Larder__V1__TimestampValues timestamps;
    Larder__V1__ListValues int_lists, string_lists;
    Larder__V1__ListValue *int_list_rows[3], *string_list_rows[3];
    Larder__V1__ListValue int_list[3], string_list[3];
    Larder__V1__Int64Values ints_of_row_0;
    Larder__V1__StringValues strings_of_row_0, strings_of_row_1;
};

enum { SDK_ANSWER_ROWS = 3 };

/* The answer must stay where it is. */
void sdk_answer_init(struct sdk_answer *answer);
/* Its bytes, for the caller to free(). */
uint8_t *sdk_answer_pack(const struct sdk_answer *answer, size_t *size);

#endif
