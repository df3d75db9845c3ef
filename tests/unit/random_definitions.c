/* random_definitions.c - see random_definitions.h. */
#include "random_definitions.h"

#include "base/buffer.h"

struct writer {
    struct buffer yaml;
    uint32_t state;
};

static uint32_t pick(struct writer *writer, uint32_t count)
{
    writer->state = writer->state * 1664525u + 1013904223u;
    return (writer->state >> 8) % count;
}

static const char *const types[] = {"bool",         "int32",       "int64",           "float32",
                                    "float64",      "string",      "bytes",           "timestamp",
                                    "list<string>", "list<int32>", "\"list< bool >\""};

static void write_about(struct writer *writer, const char *noun, uint32_t i)
{
    static const char *const texts[] = {"short", "\"with \\\"quotes\\\" and \\t\"",
                                        "\"\xc3\xa4\xe2\x82\xac \\U0001F600\"", "'#: {'", "\"\""};
    buffer_printf(&writer->yaml, "  - name: %s_%u\n", noun, i);
    if (pick(writer, 3) == 0)
        buffer_printf(&writer->yaml, "    description: %s\n", texts[pick(writer, 5)]);
    if (pick(writer, 3) == 0)
        buffer_append_text(&writer->yaml, "    owner: a@example.com\n");
    if (pick(writer, 3) == 0)
        buffer_printf(&writer->yaml, "    tags: {tier: %s, \"A b\": %u, on: true}\n",
                      texts[pick(writer, 5)], pick(writer, 100));
}

static void write_entities(struct writer *writer, uint32_t count)
{
    buffer_append_text(&writer->yaml, "entities:\n");
    for (uint32_t i = count; i-- > 0;) {
        write_about(writer, "entity", i);
        buffer_printf(&writer->yaml, "    join_keys: {z_%u: int64, a_%u: string%s}\n", i, i,
                      pick(writer, 2) ? ", shared: timestamp" : "");
    }
}

static void write_sources(struct writer *writer, uint32_t count)
{
    static const char *const durations[] = {"0", "90s", "60m", "36h", "7d", "2w"};
    buffer_append_text(&writer->yaml, "sources:\n");
    for (uint32_t i = 0; i < count; i++) {
        write_about(writer, "source", i);
        buffer_append_text(&writer->yaml, pick(writer, 2)
                                              ? "    table: public.history\n"
                                              : "    query: |\n      SELECT *\n      FROM t\n");
        buffer_printf(&writer->yaml, "    event_time: at\n    lookback: %s\n",
                      durations[pick(writer, 6)]);
        if (pick(writer, 2))
            buffer_append_text(&writer->yaml, "    created_time: recorded\n    misfits: as_null\n");
        if (pick(writer, 2))
            buffer_append_text(&writer->yaml, "    fields: {f_0: \"Column F\", a_0: key}\n");
    }
}

/* Every view has a feature f_0 and the first entity, so that sources may map them. */
static void write_views(struct writer *writer, uint32_t count, uint32_t entities, uint32_t sources)
{
    static const char *const durations[] = {"0", "90s", "5400s", "36h", "7d", "2w"};
    buffer_append_text(&writer->yaml, "feature_views:\n");
    for (uint32_t i = 0; i < count; i++) {
        uint32_t other = pick(writer, entities);
        write_about(writer, "view", i);
        buffer_append_text(&writer->yaml, "    entities: [entity_0");
        if (other != 0)
            buffer_printf(&writer->yaml, ", entity_%u", other);
        buffer_printf(&writer->yaml, "]\n    source: source_%u\n    ttl: %s\n    online: %s\n",
                      pick(writer, sources), durations[pick(writer, 6)],
                      pick(writer, 2) ? "true" : "false");
        buffer_append_text(&writer->yaml, "    features:\n");
        for (uint32_t j = 0; j <= pick(writer, 5); j++)
            buffer_printf(&writer->yaml, "      - {name: f_%u, type: %s%s}\n", j,
                          types[pick(writer, 11)],
                          pick(writer, 4) ? "" : ", description: d, tags: {unit: m}");
    }
}

static void write_services(struct writer *writer, uint32_t count, uint32_t views)
{
    buffer_append_text(&writer->yaml, "feature_services:\n");
    for (uint32_t i = 0; i < count; i++) {
        write_about(writer, "service", i);
        buffer_printf(&writer->yaml, "    features:\n      - view_%u\n", pick(writer, views));
        if (pick(writer, 2))
            buffer_printf(&writer->yaml, "      - {view: view_%u, as: x}\n", pick(writer, views));
        if (pick(writer, 2))
            buffer_printf(&writer->yaml,
                          "      - {view: view_%u, as: y, features: [f_0], keys: {z_0: other, a_0: "
                          "b}}\n",
                          pick(writer, views));
    }
}

const char *random_definitions(uint32_t seed, struct arena *arena)
{
    struct writer writer = {.state = seed * 2654435761u + 1};
    buffer_init(&writer.yaml, 0);
    buffer_append_text(&writer.yaml, "project: random\n");
    uint32_t entities = 1 + pick(&writer, 4), sources = 1 + pick(&writer, 3);
    uint32_t views = 1 + pick(&writer, 5);
    write_services(&writer, pick(&writer, 5), views);
    write_views(&writer, views, entities, sources);
    write_entities(&writer, entities);
    write_sources(&writer, sources);
    const char *text = arena_text_of(arena, buffer_bytes(&writer.yaml));
    buffer_release(&writer.yaml);
    return text;
}
