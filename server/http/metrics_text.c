/* metrics_text.c - see metrics_text.h. */
#include "server/http/metrics_text.h"

#include <assert.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

struct labels {
    size_t count;
    const char *texts[2 * METRIC_LABELS_MAX];
};

static struct labels take_labels(va_list args)
{
    struct labels labels = {0};
    const char *text;
    while ((text = va_arg(args, const char *))) {
        assert(labels.count < 2 * METRIC_LABELS_MAX);
        labels.texts[labels.count++] = text;
    }
    assert(labels.count % 2 == 0);
    return labels;
}

static void put_escaped(struct buffer *out, const char *text, bool is_label)
{
    for (; *text; text++) {
        if (*text == '\n')
            buffer_append_text(out, "\\n");
        else if (*text == '\\' || (is_label && *text == '"'))
            buffer_printf(out, "\\%c", *text);
        else
            buffer_append_byte(out, (uint8_t)*text);
    }
}

/* le: one label more, of a bucket; NULL: none. */
static void put_name(struct metrics_text *text, const char *suffix, const struct labels *labels,
                     const char *le)
{
    struct buffer *out = text->out;
    const char *before = "{";
    buffer_append_text(out, text->family);
    buffer_append_text(out, suffix);
    for (size_t i = 0; i < labels->count; i += 2) {
        buffer_printf(out, "%s%s=\"", before, labels->texts[i]);
        put_escaped(out, labels->texts[i + 1], true);
        buffer_append_byte(out, '"');
        before = ",";
    }
    if (le)
        buffer_printf(out, "%sle=\"%s\"", before, le);
    buffer_append_text(out, labels->count > 0 || le ? "} " : " ");
}

enum { NUMBER_SIZE = 32 };

/* Exactly, without zeros at the end. */
static const char *micros_text(uint64_t micros, char number[NUMBER_SIZE])
{
    int length =
        snprintf(number, NUMBER_SIZE, "%llu.%06llu", (unsigned long long)(micros / 1000000),
                 (unsigned long long)(micros % 1000000));
    while (number[length - 1] == '0')
        number[--length] = '\0';
    if (number[length - 1] == '.')
        number[--length] = '\0';
    return number;
}

static const char *number_text(uint64_t number, bool is_micros, char text[NUMBER_SIZE])
{
    if (is_micros)
        return micros_text(number, text);
    snprintf(text, NUMBER_SIZE, "%llu", (unsigned long long)number);
    return text;
}

static void put_sample(struct metrics_text *text, const char *suffix, const struct labels *labels,
                       const char *le, uint64_t number, bool is_micros)
{
    char digits[NUMBER_SIZE];
    put_name(text, suffix, labels, le);
    buffer_printf(text->out, "%s\n", number_text(number, is_micros, digits));
}

void metrics_family(struct metrics_text *text, enum metric_type type, const char *name,
                    const char *help)
{
    static const char *const types[] = {"counter", "gauge", "histogram"};
    text->family = name;
    buffer_printf(text->out, "# HELP %s ", name);
    put_escaped(text->out, help, false);
    buffer_printf(text->out, "\n# TYPE %s %s\n", name, types[type]);
}

void metrics_number(struct metrics_text *text, uint64_t number, ...)
{
    va_list args;
    va_start(args, number);
    const struct labels labels = take_labels(args);
    va_end(args);
    put_sample(text, "", &labels, NULL, number, false);
}

void metrics_micros(struct metrics_text *text, uint64_t micros, ...)
{
    va_list args;
    va_start(args, micros);
    const struct labels labels = take_labels(args);
    va_end(args);
    put_sample(text, "", &labels, NULL, micros, true);
}

void metrics_histogram(struct metrics_text *text, const struct histogram_bounds *bounds,
                       enum metric_unit unit, const struct histogram_total *total, ...)
{
    va_list args;
    va_start(args, total);
    const struct labels labels = take_labels(args);
    va_end(args);
    uint64_t count = 0;
    for (size_t i = 0; i <= bounds->count; i++) {
        char le[NUMBER_SIZE] = "+Inf";
        if (i < bounds->count)
            number_text(bounds->at_most[i], unit != METRIC_COUNTS, le);
        count += total->buckets[i];
        put_sample(text, "_bucket", &labels, le, count, false);
    }
    put_sample(text, "_sum", &labels, NULL, total->sum, unit == METRIC_SECONDS);
    put_sample(text, "_count", &labels, NULL, count, false);
}
