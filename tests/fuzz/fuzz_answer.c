/*
 * fuzz_answer.c - any bytes as a server's answer: refused in words, or whole and readable
 * everywhere. The first byte says how many entities were asked about.
 */
#include "sdk/c/response.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds)
{
    if (!holds)
        abort();
}

/* Exactly one family of readers fits a column, and all agree on the status. */
static void read_value(const struct larder_response *response, size_t row, size_t column)
{
    enum larder_status status = larder_response_status(response, row, column);
    bool truth;
    int64_t integer;
    double number;
    const void *data;
    size_t size = 0;
    demand(status >= LARDER_PRESENT && status <= LARDER_OUTSIDE_MAX_AGE);
    int fits = (larder_response_bool(response, row, column, &truth) == status) +
               (larder_response_int(response, row, column, &integer) == status) +
               (larder_response_double(response, row, column, &number) == status) +
               (larder_response_timestamp(response, row, column, &integer) == status);
    if (larder_response_bytes(response, row, column, &data, &size) == status) {
        fits++;
        for (size_t i = 0; status == LARDER_PRESENT && i < size; i++)
            integer += ((const uint8_t *)data)[i];
    }
    bool is_list = larder_response_type(response, column) & LARDER_TYPE_LIST;
    demand(fits == (is_list ? 0 : 1));
}

static void read_list(const struct larder_response *response, size_t row, size_t column)
{
    size_t count, size;
    bool truth;
    int64_t integer;
    double number;
    const void *data;
    if (larder_response_list_size(response, row, column, &count) != LARDER_PRESENT)
        return;
    for (size_t i = 0; i < count; i++) {
        int fits =
            (larder_response_list_bool(response, row, column, i, &truth) == LARDER_PRESENT) +
            (larder_response_list_int(response, row, column, i, &integer) == LARDER_PRESENT) +
            (larder_response_list_double(response, row, column, i, &number) == LARDER_PRESENT) +
            (larder_response_list_timestamp(response, row, column, i, &integer) == LARDER_PRESENT) +
            (larder_response_list_bytes(response, row, column, i, &data, &size) == LARDER_PRESENT);
        demand(fits == 1);
    }
    demand(larder_response_list_int(response, row, column, count, &integer) < 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct larder_error err = {LARDER_OK, ""};
    struct larder_response *response;
    enum larder_result result =
        larder_response_decode(data + 1, size - 1, data[0], &response, &err);
    demand(!response == (result != LARDER_OK));
    if (!response) {
        demand(err.result == result && err.message[0] != '\0');
        return 0;
    }
    demand(larder_response_row_count(response) == data[0]);
    for (size_t column = 0; column < larder_response_column_count(response); column++) {
        int64_t us;
        demand(larder_response_name(response, column) != NULL);
        for (size_t row = 0; row < data[0]; row++) {
            read_value(response, row, column);
            read_list(response, row, column);
            larder_response_event_time(response, row, column, &us);
        }
    }
    larder_response_free(response);
    return 0;
}
