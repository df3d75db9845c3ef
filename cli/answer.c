/* answer.c - see answer.h. */
#include "cli/answer.h"

#include "base/timestamp.h"
#include "base/value_text.h"
#include "cli/answer_value.h"
#include "cli/command.h"
#include "cli/table.h"
#include "sdk/c/include/larder/larder.h"

#include <stdio.h>

/* "3m ago"; of a time ahead of this machine's clock, "0s ago". */
static const char *age_text(int64_t event_time_us, int64_t now_us, struct arena *arena)
{
    static const struct {
        const char *unit;
        int64_t seconds, until;
    } units[] = {{"s", 1, 60}, {"m", 60, 3600}, {"h", 3600, 48 * 3600}, {"d", 86400, INT64_MAX}};
    int64_t seconds = timestamp_subtract(now_us, event_time_us) / 1000000;
    seconds = seconds < 0 ? 0 : seconds;
    size_t i = 0;
    while (seconds >= units[i].until)
        i++;
    return arena_printf(arena, "%lld%s ago", (long long)(seconds / units[i].seconds),
                        units[i].unit);
}

/* Whether text says on a line of its own what it is: no control bytes, no spaces at its ends. */
static bool is_plain(struct bytes text)
{
    const unsigned char *at = text.data;
    if (text.size == 0 || at[0] == ' ' || at[text.size - 1] == ' ' || at[0] == '"')
        return false;
    if (text.size == 1 && at[0] == '-')
        return false;
    for (size_t i = 0; i < text.size; i++)
        if (at[i] < 0x20 || at[i] == 0x7F)
            return false;
    return true;
}

static const char *value_text(const struct larder_response *response, size_t row, size_t column,
                              struct arena *arena)
{
    if (larder_response_status(response, row, column) != LARDER_PRESENT)
        return "-";
    struct buffer text;
    buffer_init(&text, 0);
    answer_value_append(&text, response, row, column);
    if (!is_plain(buffer_bytes(&text))) {
        buffer_clear(&text);
        answer_value_append_json(&text, response, row, column);
    }
    const char *copy = arena_text_of(arena, buffer_bytes(&text));
    buffer_release(&text);
    return copy;
}

static enum paint paint_of(enum larder_status status)
{
    return status == LARDER_PRESENT ? PAINT_GOOD : PAINT_CARE;
}

static void print_features(const struct larder_response *response, size_t row, struct arena *arena)
{
    static const char *const titles[] = {"FEATURE", "VALUE", "STATUS", "AGE"};
    static const bool right[] = {false, false, false, true};
    int64_t now_us = timestamp_now();
    struct table table;
    table_init(&table, arena, COUNT_OF(titles), titles, right);
    table.gives_way = 1;
    for (size_t i = 0; i < larder_response_column_count(response); i++) {
        int64_t us;
        bool has_time = larder_response_event_time(response, row, i, &us);
        enum larder_status status = larder_response_status(response, row, i);
        const char *const cells[] = {
            larder_response_name(response, i), value_text(response, row, i, arena),
            larder_status_name(status), has_time ? age_text(us, now_us, arena) : "-"};
        table_add(&table, cells);
        table_paint(&table, 2, paint_of(status));
    }
    table_print(&table, stdout, "  ");
}

void answer_print(const struct entities *entities, const struct larder_response *response,
                  struct arena *arena)
{
    struct style style = style_of(stdout);
    for (size_t row = 0; row < entities->count; row++) {
        if (row > 0)
            putchar('\n');
        printf("%s%s%s\n", style_begin(style, PAINT_TITLE), entities_text(entities, row, arena),
               style_end(style, PAINT_TITLE));
        print_features(response, row, arena);
    }
}

static void append_member(struct buffer *json, bool first, const char *name)
{
    buffer_append_text(json, first ? "" : ", ");
    json_text_append(json, bytes_of_text(name));
    buffer_append_text(json, ": ");
}

static void append_key(struct buffer *json, const struct value *value)
{
    if (value->is_null) {
        buffer_append_text(json, "null");
        return;
    }
    struct buffer text;
    buffer_init(&text, 0);
    value_format(value, &text);
    bool bare = value->type == TYPE_BOOL || value->type == TYPE_INT32 || value->type == TYPE_INT64;
    if (bare)
        buffer_append(json, text.data, text.size);
    else
        json_text_append(json, buffer_bytes(&text));
    buffer_release(&text);
}

static void append_time(struct buffer *json, const struct larder_response *response, size_t row,
                        size_t column)
{
    int64_t us;
    if (larder_response_event_time(response, row, column, &us)) {
        buffer_append_byte(json, '"');
        answer_time_append(json, us);
        buffer_append_byte(json, '"');
    } else {
        buffer_append_text(json, "null");
    }
}

static void append_feature(struct buffer *json, const struct larder_response *response, size_t row,
                           size_t column)
{
    enum larder_status status = larder_response_status(response, row, column);
    buffer_append_text(json, column ? ",\n        " : "\n        ");
    append_member(json, true, larder_response_name(response, column));
    buffer_append_byte(json, '{');
    append_member(json, true, "value");
    if (status == LARDER_PRESENT)
        answer_value_append_json(json, response, row, column);
    else
        buffer_append_text(json, "null");
    append_member(json, false, "status");
    json_text_append(json, bytes_of_text(larder_status_name(status)));
    append_member(json, false, "event_time");
    append_time(json, response, row, column);
    buffer_append_byte(json, '}');
}

static void append_entity(struct buffer *json, const struct entities *entities,
                          const struct larder_response *response, size_t row)
{
    buffer_append_text(json, row ? ",\n    {\"keys\": {" : "\n    {\"keys\": {");
    for (size_t i = 0; i < entities->key_count; i++) {
        append_member(json, i == 0, entities->names[i]);
        append_key(json, &entities->values[row * entities->key_count + i]);
    }
    buffer_append_text(json, "},\n      \"features\": {");
    for (size_t i = 0; i < larder_response_column_count(response); i++)
        append_feature(json, response, row, i);
    buffer_append_text(json, "\n      }}");
}

int answer_print_json(const struct entities *entities, const struct larder_response *response)
{
    struct buffer json;
    buffer_init(&json, 0);
    buffer_printf(&json, "{\"definitions_version\": %llu,\n  \"entities\": [",
                  (unsigned long long)larder_response_definitions_version(response));
    for (size_t row = 0; row < entities->count; row++)
        append_entity(&json, entities, response, row);
    buffer_append_text(&json, "\n  ]}\n");
    bool written = fwrite(json.data, 1, json.size, stdout) == json.size;
    buffer_release(&json);
    return command_end_output(written);
}
