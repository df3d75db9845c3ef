/* manifest_read.c - a manifest read back, and compared; see manifest.h. */
#include "base/timestamp.h"
#include "training/manifest.h"

#include <errno.h>
#include <jansson.h>

/* What is lacking or of another kind is told once; all that is asked for then is empty. */
struct reader {
    struct arena *arena;
    const char *wrong; /* the member that is; NULL: none yet */
};

static const json_t *member(struct reader *reader, const json_t *object, const char *key,
                            bool (*fits)(const json_t *))
{
    const json_t *value = json_object_get(object, key);
    if ((!value || !fits(value)) && !reader->wrong)
        reader->wrong = key;
    return value && fits(value) ? value : NULL;
}

static bool fits_text(const json_t *value)
{
    return json_is_string(value);
}
static bool fits_text_or_null(const json_t *value)
{
    return json_is_string(value) || json_is_null(value);
}
static bool fits_count(const json_t *value)
{
    return json_is_integer(value) && json_integer_value(value) >= 0;
}
static bool fits_count_or_null(const json_t *value)
{
    return fits_count(value) || json_is_null(value);
}
static bool fits_flag(const json_t *value)
{
    return json_is_boolean(value);
}
static bool fits_object(const json_t *value)
{
    return json_is_object(value);
}
static bool fits_list(const json_t *value)
{
    return json_is_array(value);
}
static bool fits_list_or_null(const json_t *value)
{
    return json_is_array(value) || json_is_null(value);
}

static const char *optional_text(struct reader *reader, const json_t *object, const char *key)
{
    const json_t *value = member(reader, object, key, fits_text_or_null);
    return json_is_string(value) ? arena_text(reader->arena, json_string_value(value)) : NULL;
}

static const char *text(struct reader *reader, const json_t *object, const char *key)
{
    const json_t *value = member(reader, object, key, fits_text);
    return value ? arena_text(reader->arena, json_string_value(value)) : "";
}

static uint64_t count(struct reader *reader, const json_t *object, const char *key)
{
    return (uint64_t)json_integer_value(member(reader, object, key, fits_count));
}

static uint64_t count_or_null(struct reader *reader, const json_t *object, const char *key,
                              bool *is_null)
{
    const json_t *value = member(reader, object, key, fits_count_or_null);
    *is_null = json_is_null(value);
    return (uint64_t)json_integer_value(value);
}

static bool flag(struct reader *reader, const json_t *object, const char *key)
{
    return json_is_true(member(reader, object, key, fits_flag));
}

static void read_sha256(struct reader *reader, const json_t *object,
                        char sha256[CHECKSUM_TEXT_SIZE])
{
    const char *digits = text(reader, object, "sha256");
    memset(sha256, 0, CHECKSUM_TEXT_SIZE);
    if (strlen(digits) == CHECKSUM_TEXT_SIZE - 1)
        memcpy(sha256, digits, CHECKSUM_TEXT_SIZE);
    else if (!reader->wrong)
        reader->wrong = "sha256";
}

static int64_t read_time(struct reader *reader, const json_t *object, const char *key)
{
    const char *written = optional_text(reader, object, key);
    int64_t us = AS_OF_NOW;
    if (written && !timestamp_parse(bytes_of_text(written), &us) && !reader->wrong)
        reader->wrong = key;
    return us;
}

static void read_origin(struct reader *reader, const json_t *json, struct manifest_origin *origin)
{
    origin->project = text(reader, json, "project");
    origin->registry_schema = text(reader, json, "registry_schema");
    origin->offline_store = text(reader, json, "offline_store");
    origin->service = optional_text(reader, json, "service");
    const json_t *list = member(reader, json, "features", fits_list_or_null);
    origin->reference_count = json_array_size(list);
    const char **references =
        arena_array(reader->arena, origin->reference_count, sizeof *references);
    for (size_t i = 0; i < origin->reference_count; i++) {
        const char *written = json_string_value(json_array_get(list, i));
        references[i] = arena_text(reader->arena, written ? written : "");
    }
    origin->references = references;
}

static void read_definitions(struct reader *reader, const json_t *json, struct manifest *manifest)
{
    const json_t *object = member(reader, json, "definitions", fits_object);
    manifest->definitions_version = count(reader, object, "version");
    read_sha256(reader, object, manifest->definitions_sha256);
    const json_t *views = member(reader, object, "views", fits_list);
    manifest->view_count = json_array_size(views);
    manifest->views = arena_array(reader->arena, manifest->view_count, sizeof *manifest->views);
    for (size_t i = 0; i < manifest->view_count; i++) {
        const json_t *view = json_array_get(views, i);
        manifest->views[i].name = text(reader, view, "name");
        read_sha256(reader, view, manifest->views[i].sha256);
    }
}

static void read_options(struct reader *reader, const json_t *json, struct manifest *manifest)
{
    const json_t *object = member(reader, json, "options", fits_object);
    manifest->origin.full_names = flag(reader, object, "full_names");
    manifest->as_known = flag(reader, object, "as_known");
    manifest->as_of_us = read_time(reader, object, "as_of");
    manifest->with_status = flag(reader, object, "with_status");
    manifest->format = text(reader, object, "format");
}

static void read_column(struct reader *reader, const json_t *json, struct manifest_column *column)
{
    column->name = text(reader, json, "name");
    column->view = text(reader, json, "view");
    column->feature = text(reader, json, "feature");
    column->type = text(reader, json, "type");
    column->keys = text(reader, json, "keys");
    const json_t *values = member(reader, json, "values", fits_object);
    for (int i = 0; i < VALUE_STATUS_COUNT; i++)
        column->values[i] = (uint64_t)json_integer_value(
            member(reader, values, value_status_name((enum value_status)i), fits_count_or_null));
    column->recorded_later = count(reader, json, "recorded_later");
}

static void read_columns(struct reader *reader, const json_t *json, struct manifest *manifest)
{
    const json_t *columns = member(reader, json, "columns", fits_list);
    manifest->column_count = json_array_size(columns);
    manifest->columns =
        arena_array(reader->arena, manifest->column_count, sizeof *manifest->columns);
    for (size_t i = 0; i < manifest->column_count; i++)
        read_column(reader, json_array_get(columns, i), &manifest->columns[i]);
    manifest->joined.left_out =
        count_or_null(reader, json, "left_out", &manifest->joined.is_uncounted);
    manifest->joined.long_keys =
        count_or_null(reader, json, "long_keys", &manifest->joined.is_uncounted);
    manifest->joined.unknown_created =
        count_or_null(reader, json, "unknown_created", &manifest->joined.is_uncounted);
    manifest->joined.misfits = count(reader, json, "misfits");
}

static void read_files(struct reader *reader, const json_t *json, struct manifest *manifest)
{
    const json_t *asks = member(reader, json, "asks", fits_object);
    manifest->asks.path = optional_text(reader, asks, "path");
    manifest->asks.query = optional_text(reader, asks, "query");
    if (!manifest->asks.path && !manifest->asks.query && !reader->wrong)
        reader->wrong = "path";
    manifest->asks.rows = count(reader, asks, "rows");
    manifest->asks.size = count(reader, asks, "bytes");
    read_sha256(reader, asks, manifest->asks.sha256);
    const json_t *out = member(reader, json, "out", fits_object);
    manifest->out_path = text(reader, out, "path");
    manifest->out.size = count(reader, out, "bytes");
    if (count(reader, out, "rows") != manifest->asks.rows && !reader->wrong)
        reader->wrong = "rows";
    read_sha256(reader, out, manifest->out.sha256);
    const json_t *snapshot = member(reader, json, "snapshot", fits_object);
    manifest->transactions = optional_text(reader, snapshot, "transactions");
    manifest->position = optional_text(reader, snapshot, "position");
}

static enum status read_members(const char *path, const json_t *json, struct manifest *manifest,
                                struct error *err)
{
    struct reader reader = {.arena = manifest->arena};
    uint64_t format = count(&reader, json, "manifest");
    if (reader.wrong)
        return fail(err, STATUS_INVALID, "%s is no manifest of a training set", path);
    if (format != MANIFEST_FORMAT)
        return fail(err, STATUS_INVALID,
                    "%s was written by a later Larder (manifest %llu; this one reads %d)", path,
                    (unsigned long long)format, MANIFEST_FORMAT);
    manifest->larder = text(&reader, json, "larder");
    manifest->made_us = read_time(&reader, json, "made");
    read_origin(&reader, json, &manifest->origin);
    read_definitions(&reader, json, manifest);
    read_options(&reader, json, manifest);
    read_columns(&reader, json, manifest);
    read_files(&reader, json, manifest);
    if (!reader.wrong)
        return STATUS_OK;
    return fail(err, STATUS_INVALID, "%s: \"%s\" is not there, or not what a manifest has there",
                path, reader.wrong);
}

enum status manifest_read(const char *path, struct arena *arena, struct manifest *manifest,
                          struct error *err)
{
    *manifest = (struct manifest){.arena = arena, .as_of_us = AS_OF_NOW};
    FILE *file = fopen(path, "re");
    if (!file)
        return fail(err, errno == ENOENT ? STATUS_NOT_FOUND : STATUS_FAILED, "%s: %s", path,
                    strerror(errno));
    json_error_t mistake;
    json_t *json = json_loadf(file, JSON_REJECT_DUPLICATES, &mistake);
    fclose(file);
    if (!json) {
        fail(err, STATUS_INVALID, "this is no JSON: %s", mistake.text);
        return fail_at(err, path, (uint64_t)(mistake.line > 0 ? mistake.line : 1),
                       (uint32_t)(mistake.column > 0 ? mistake.column : 1));
    }
    enum status status = read_members(path, json, manifest, err);
    json_decref(json);
    return status;
}

/* Comparing ----------------------------------------------------------------------------------- */

static const struct manifest_view *find_view(const struct manifest *manifest, const char *name)
{
    for (size_t i = 0; i < manifest->view_count; i++)
        if (strcmp(manifest->views[i].name, name) == 0)
            return &manifest->views[i];
    return NULL;
}

static bool same_column(const struct manifest_column *a, const struct manifest_column *b)
{
    return strcmp(a->name, b->name) == 0 && strcmp(a->view, b->view) == 0 &&
           strcmp(a->feature, b->feature) == 0 && strcmp(a->type, b->type) == 0 &&
           strcmp(a->keys, b->keys) == 0;
}

enum status manifest_check_same_definitions(const struct manifest *then, const struct manifest *now,
                                            struct error *err)
{
    for (size_t i = 0; i < then->view_count; i++) {
        const struct manifest_view *view = find_view(now, then->views[i].name);
        if (!view || strcmp(view->sha256, then->views[i].sha256) != 0)
            return fail(err, STATUS_INVALID, "feature view %s %s", then->views[i].name,
                        view ? "has changed, or its source or an entity has"
                             : "is not asked for any more");
    }
    for (size_t i = 0; i < then->column_count || i < now->column_count; i++)
        if (i >= then->column_count || i >= now->column_count ||
            !same_column(&then->columns[i], &now->columns[i]))
            return fail(err, STATUS_INVALID, "column %s is %s",
                        i < then->column_count ? then->columns[i].name : now->columns[i].name,
                        i < then->column_count ? "not what it was" : "new");
    return STATUS_OK;
}
