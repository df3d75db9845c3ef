/*
 * fuzz_arrow.c - asking rows as an Arrow file or stream of any bytes: they are read, or refused
 * with words; what was read is read alike the second time, and every value may stand in a row.
 */
#include "base/buffer.h"
#include "base/value_text.h"
#include "training/formats/asks.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { ROWS_MAX = 10000 };

static const struct asked_key keys[] = {{"k", TYPE_INT32}, {"name", TYPE_STRING}};
static const struct selection selection = {.keys = keys, .key_count = 2};

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_value(const struct value *value, struct buffer *text)
{
    buffer_clear(text);
    if (value->is_null)
        return;
    if (type_is_list(value->type))
        require(list_is_valid(value->type, value->bytes));
    else if (value->type == TYPE_STRING)
        require(text_is_valid(value->bytes));
    value_format(value, text);
}

static enum status read_rows(struct asks *asks, bool cells, struct buffer *text, struct error *err)
{
    const struct ask *ask;
    enum status status;
    while (!(status = asks_next(asks, &ask, err)) && ask && asks_count(asks) < ROWS_MAX)
        for (size_t i = 0; cells && i < asks_column_count(asks); i++) {
            require(ask->cells[i].type == asks_column_type(asks, i));
            check_value(&ask->cells[i], text);
        }
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[32];
    struct asks *asks;
    struct buffer text;
    struct error err = {.status = STATUS_OK};
    int descriptor = memfd_create("arrow", 0);
    require(descriptor >= 0 && write(descriptor, data, size) == (ssize_t)size);
    snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
    buffer_init(&text, 0);
    enum status status = asks_open(path, &selection, false, NULL, &asks, &err);
    if (!status)
        status = read_rows(asks, false, &text, &err);
    uint64_t count = status ? 0 : asks_count(asks);
    if (!status)
        status = asks_rewind(asks, &err);
    if (!status && read_rows(asks, true, &text, &err) == STATUS_OK)
        require(asks_count(asks) == count);
    asks_close(asks);
    buffer_release(&text);
    close(descriptor);
    return 0;
}
