/* manifest.c - a manifest filled, and written; see manifest.h. manifest_read.c reads one. */
#include "training/manifest.h"

#include "base/timestamp.h"
#include "config/definitions_json.h"

#include <jansson.h>
#include <stdlib.h>

/* Equal definitions make equal bytes, and so equal checksums. */
static void checksum_of_json(json_t *json, char sha256[CHECKSUM_TEXT_SIZE])
{
    char *text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENSURE_ASCII);
    json_decref(json);
    if (!text)
        out_of_memory();
    checksum_of_bytes(bytes_of_text(text), sha256);
    free(text);
}

static void add(json_t *array, json_t *value)
{
    if (!array || json_array_append_new(array, value))
        out_of_memory();
}

static struct manifest_view describe_view(const struct feature_view *view)
{
    struct manifest_view described = {.name = view->about.name};
    json_t *parts = json_array();
    add(parts, feature_view_to_json(view));
    add(parts, source_to_json(view->source));
    for (size_t i = 0; i < view->entity_count; i++)
        add(parts, entity_to_json(view->entities[i]));
    checksum_of_json(parts, described.sha256);
    return described;
}

static bool is_described(const struct manifest *manifest, const char *view)
{
    for (size_t i = 0; i < manifest->view_count; i++)
        if (strcmp(manifest->views[i].name, view) == 0)
            return true;
    return false;
}

static const char *asked_keys(const struct selection *selection,
                              const struct selected_view *selected, struct arena *arena)
{
    const char *text = "";
    for (size_t i = 0; i < selected->view->key_count; i++)
        text =
            arena_joined(arena, text, i ? "," : "", selection->keys[selected->asked_keys[i]].name);
    return text;
}

static void describe_selection(struct manifest *manifest, const struct selection *selection)
{
    struct arena *arena = manifest->arena;
    manifest->columns = arena_array(arena, selection->feature_count, sizeof *manifest->columns);
    manifest->column_count = selection->feature_count;
    manifest->views = arena_array(arena, selection->view_count, sizeof *manifest->views);
    for (size_t i = 0; i < selection->view_count; i++)
        if (!is_described(manifest, selection->views[i].view->about.name))
            manifest->views[manifest->view_count++] = describe_view(selection->views[i].view);
    for (size_t i = 0; i < selection->feature_count; i++) {
        const struct selected_feature *feature = &selection->features[i];
        const struct selected_view *selected = &selection->views[feature->view];
        manifest->columns[i] = (struct manifest_column){
            .name = feature->name,
            .view = selected->view->about.name,
            .feature = selected->view->features[feature->feature].name,
            .type = type_name(feature->type),
            .keys = asked_keys(selection, selected, arena),
        };
    }
}

void manifest_begin(struct manifest *manifest, const struct manifest_origin *origin,
                    const struct training_request *request, struct arena *arena)
{
    *manifest = (struct manifest){
        .arena = arena,
        .larder = LARDER_VERSION,
        .made_us = timestamp_now(),
        .origin = *origin,
        .definitions_version = request->catalog->version,
        .as_known = request->as_known,
        .as_of_us = request->as_of_us,
        .with_status = request->with_status,
        .format = table_format_name(request->format),
        .asks.path = request->asks_path,
        .asks.query = request->asks_query,
        .out_path = request->out_path,
    };
    checksum_of_json(definitions_to_json(&request->catalog->definitions),
                     manifest->definitions_sha256);
    describe_selection(manifest, request->selection);
}

/* Writing ------------------------------------------------------------------------------------- */

static void put(json_t *object, const char *key, json_t *value)
{
    if (!object || json_object_set_new(object, key, value))
        out_of_memory();
}

static void put_text(json_t *object, const char *key, const char *text)
{
    put(object, key, text ? json_string(text) : json_null());
}

static void put_count(json_t *object, const char *key, uint64_t count)
{
    put(object, key, json_integer((json_int_t)count));
}

static json_t *time_to_json(int64_t us)
{
    char text[TIMESTAMP_TEXT_SIZE];
    timestamp_format(us, text);
    return json_string(text);
}

static void put_origin(json_t *json, const struct manifest_origin *origin)
{
    put_text(json, "project", origin->project);
    put_text(json, "registry_schema", origin->registry_schema);
    put_text(json, "offline_store", origin->offline_store);
    put_text(json, "service", origin->service);
    json_t *references = origin->service ? json_null() : json_array();
    for (size_t i = 0; i < origin->reference_count; i++)
        add(references, json_string(origin->references[i]));
    put(json, "features", references);
}

static json_t *options_to_json(const struct manifest *manifest)
{
    json_t *json = json_object();
    put(json, "full_names", json_boolean(manifest->origin.full_names));
    put(json, "as_known", json_boolean(manifest->as_known));
    put(json, "as_of",
        manifest->as_of_us == AS_OF_NOW ? json_null() : time_to_json(manifest->as_of_us));
    put(json, "with_status", json_boolean(manifest->with_status));
    put_text(json, "format", manifest->format);
    return json;
}

static json_t *file_to_json(const char *path, const char *sha256, uint64_t size, uint64_t rows)
{
    json_t *json = json_object();
    put_text(json, "path", path);
    put_text(json, "sha256", sha256);
    put_count(json, "bytes", size);
    put_count(json, "rows", rows);
    return json;
}

static json_t *asks_to_json(const struct manifest_asks *asks)
{
    json_t *json = file_to_json(asks->path, asks->sha256, asks->size, asks->rows);
    put_text(json, "query", asks->query);
    return json;
}

static json_t *definitions_to_summary(const struct manifest *manifest)
{
    json_t *json = json_object(), *views = json_array();
    put_count(json, "version", manifest->definitions_version);
    put_text(json, "sha256", manifest->definitions_sha256);
    for (size_t i = 0; i < manifest->view_count; i++) {
        json_t *view = json_object();
        put_text(view, "name", manifest->views[i].name);
        put_text(view, "sha256", manifest->views[i].sha256);
        add(views, view);
    }
    put(json, "views", views);
    return json;
}

static json_t *column_to_json(const struct manifest *manifest, const struct manifest_column *column)
{
    json_t *json = json_object(), *values = json_object();
    put_text(json, "name", column->name);
    put_text(json, "view", column->view);
    put_text(json, "feature", column->feature);
    put_text(json, "type", column->type);
    put_text(json, "keys", column->keys);
    for (int i = 0; i < VALUE_STATUS_COUNT; i++) {
        const char *name = value_status_name((enum value_status)i);
        if (i == (int)VALUE_OUTSIDE_MAX_AGE && !manifest->with_status)
            put(values, name, json_null()); /* it was not looked for */
        else
            put_count(values, name, column->values[i]);
    }
    put(json, "values", values);
    put_count(json, "recorded_later", column->recorded_later);
    return json;
}

/* null: what the source rows leave out was not counted. */
static void put_source_count(json_t *json, const char *key, const struct join_counts *counts,
                             uint64_t count)
{
    if (counts->is_uncounted)
        put(json, key, json_null());
    else
        put_count(json, key, count);
}

static json_t *manifest_to_json(const struct manifest *manifest)
{
    json_t *json = json_object(), *snapshot = json_object(), *columns = json_array();
    const struct manifest_asks *asks = &manifest->asks;
    put_count(json, "manifest", MANIFEST_FORMAT);
    put_text(json, "larder", manifest->larder);
    put(json, "made", time_to_json(manifest->made_us));
    put_origin(json, &manifest->origin);
    put(json, "definitions", definitions_to_summary(manifest));
    put(json, "options", options_to_json(manifest));
    put(json, "asks", asks_to_json(asks));
    put_text(snapshot, "transactions", manifest->transactions);
    put_text(snapshot, "position", manifest->position);
    put(json, "snapshot", snapshot);
    for (size_t i = 0; i < manifest->column_count; i++)
        add(columns, column_to_json(manifest, &manifest->columns[i]));
    put(json, "columns", columns);
    put_source_count(json, "left_out", &manifest->joined, manifest->joined.left_out);
    put_source_count(json, "long_keys", &manifest->joined, manifest->joined.long_keys);
    put_source_count(json, "unknown_created", &manifest->joined, manifest->joined.unknown_created);
    put_count(json, "misfits", manifest->joined.misfits);
    put(json, "out",
        file_to_json(manifest->out_path, manifest->out.sha256, manifest->out.size, asks->rows));
    return json;
}

void manifest_format(const struct manifest *manifest, struct buffer *text)
{
    json_t *json = manifest_to_json(manifest);
    char *dumped = json_dumps(json, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    json_decref(json);
    if (!dumped)
        out_of_memory();
    buffer_append_text(text, dumped);
    buffer_append_byte(text, '\n');
    free(dumped);
}
