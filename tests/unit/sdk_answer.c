/* sdk_answer.c - see sdk_answer.h. */
#include "tests/unit/sdk_answer.h"

#include <stdlib.h>

enum { PRESENT = 1, NULL_VALUE = 2, NOT_FOUND = 3 };

static double doubles[] = {1.5, -0.0, 0.25};
static float floats[] = {0.5F, 0, 0};
static int64_t int64s[] = {INT64_MIN, 0, 0};
static int32_t int32s[] = {-7, 0, 0};
static protobuf_c_boolean bools[] = {1, 0, 0};
static char *strings[] = {"Zürich", "", ""};
static ProtobufCBinaryData byte_values[] = {{3, (uint8_t *)"\0\xFF\0"}, {0, NULL}, {0, NULL}};
static int64_t timestamps[] = {INT64_C(1700000000000001), 0, 0};
static int64_t list_ints[] = {1, -2, 3};
static char *list_strings[] = {"a", ""};
static uint8_t statuses[] = {PRESENT, NULL_VALUE, NOT_FOUND};
static int64_t event_times[2][3] = {{100, 200, 0}, {0, -300, 0}};
static const char *const names[] = {"doubles", "floats", "int64s",     "int32s",    "bools",
                                    "strings", "bytes",  "timestamps", "int_lists", "string_lists"};

static void init_columns(struct sdk_answer *answer)
{
    for (size_t i = 0; i < 10; i++) {
        Larder__V1__FeatureColumn *column = &answer->column[i];
        larder__v1__feature_column__init(column);
        column->name = (char *)names[i];
        column->view = i % 2;
        if (i > 0)
            column->statuses = (ProtobufCBinaryData){3, statuses};
        column->values_case =
            (Larder__V1__FeatureColumn__ValuesCase)(LARDER__V1__FEATURE_COLUMN__VALUES_DOUBLE_VALUES +
                                                    (i < 8 ? i : 8));
        answer->columns[i] = column;
    }
    answer->column[0].double_values = &answer->doubles;
    answer->column[1].float_values = &answer->floats;
    answer->column[2].int64_values = &answer->int64s;
    answer->column[3].int32_values = &answer->int32s;
    answer->column[4].bool_values = &answer->bools;
    answer->column[5].string_values = &answer->strings;
    answer->column[6].bytes_values = &answer->bytes;
    answer->column[7].timestamp_values = &answer->timestamps;
    answer->column[8].list_values = &answer->int_lists;
    answer->column[9].list_values = &answer->string_lists;
}

static void init_values(struct sdk_answer *answer)
{
    larder__v1__double_values__init(&answer->doubles);
    larder__v1__float_values__init(&answer->floats);
    larder__v1__int64_values__init(&answer->int64s);
    larder__v1__int32_values__init(&answer->int32s);
    larder__v1__bool_values__init(&answer->bools);
    larder__v1__string_values__init(&answer->strings);
    larder__v1__bytes_values__init(&answer->bytes);
    larder__v1__timestamp_values__init(&answer->timestamps);
    answer->doubles.n_values = answer->floats.n_values = answer->int64s.n_values = 3;
    answer->int32s.n_values = answer->bools.n_values = answer->strings.n_values = 3;
    answer->bytes.n_values = answer->timestamps.n_values_us = 3;
    answer->doubles.values = doubles;
    answer->floats.values = floats;
    answer->int64s.values = int64s;
    answer->int32s.values = int32s;
    answer->bools.values = bools;
    answer->strings.values = strings;
    answer->bytes.values = byte_values;
    answer->timestamps.values_us = timestamps;
}

static void init_lists(struct sdk_answer *answer)
{
    larder__v1__list_values__init(&answer->int_lists);
    larder__v1__list_values__init(&answer->string_lists);
    answer->int_lists.n_values = answer->string_lists.n_values = 3;
    answer->int_lists.values = answer->int_list_rows;
    answer->string_lists.values = answer->string_list_rows;
    for (size_t row = 0; row < 3; row++) {
        larder__v1__list_value__init(answer->int_list_rows[row] = &answer->int_list[row]);
        larder__v1__list_value__init(answer->string_list_rows[row] = &answer->string_list[row]);
    }
    larder__v1__int64_values__init(&answer->ints_of_row_0);
    answer->ints_of_row_0.n_values = 3;
    answer->ints_of_row_0.values = list_ints;
    answer->int_list[0].values_case = LARDER__V1__LIST_VALUE__VALUES_INT64_VALUES;
    answer->int_list[0].int64_values = &answer->ints_of_row_0;
    larder__v1__string_values__init(&answer->strings_of_row_0);
    larder__v1__string_values__init(&answer->strings_of_row_1); /* an empty list behind a null */
    answer->strings_of_row_0.n_values = 2;
    answer->strings_of_row_0.values = list_strings;
    answer->string_list[0].values_case = LARDER__V1__LIST_VALUE__VALUES_STRING_VALUES;
    answer->string_list[0].string_values = &answer->strings_of_row_0;
    answer->string_list[1].values_case = LARDER__V1__LIST_VALUE__VALUES_STRING_VALUES;
    answer->string_list[1].string_values = &answer->strings_of_row_1;
}

void sdk_answer_init(struct sdk_answer *answer)
{
    *answer = (struct sdk_answer){0};
    larder__v1__get_features_response__init(&answer->wire);
    init_columns(answer);
    init_values(answer);
    init_lists(answer);
    for (size_t i = 0; i < 2; i++) {
        larder__v1__view_column__init(answer->views[i] = &answer->view[i]);
        answer->view[i].name = i ? "second" : "first";
        answer->view[i].n_event_times_us = SDK_ANSWER_ROWS;
        answer->view[i].event_times_us = event_times[i];
    }
    answer->wire.n_columns = 10;
    answer->wire.columns = answer->columns;
    answer->wire.n_views = 2;
    answer->wire.views = answer->views;
    answer->wire.row_count = SDK_ANSWER_ROWS;
    answer->wire.definitions_version = 42;
}

uint8_t *sdk_answer_pack(const struct sdk_answer *answer, size_t *size)
{
    *size = larder__v1__get_features_response__get_packed_size(&answer->wire);
    uint8_t *bytes = malloc(*size ? *size : 1);
    larder__v1__get_features_response__pack(&answer->wire, bytes);
    return bytes;
}
