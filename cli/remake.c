/* remake.c - see remake.h. */
#include "cli/remake.h"

#include "base/timestamp.h"
#include "cli/notice.h"
#include "cli/progress.h"
#include "cli/table.h"

#include <stdio.h>

enum status remake_check(const struct options *options, struct error *err)
{
    static const char *const said[] = {"--service",        "--features", "--full-names",
                                       "--as-known",       "--as-of",    "--with-status",
                                       "--entities-query", "--format"};
    for (size_t i = 0; i < COUNT_OF(said); i++)
        for (size_t j = 0; j < options->given_count; j++)
            if (strcmp(options->given[j].spec->name, said[i]) == 0)
                return fail(err, STATUS_INVALID,
                            "%s: the manifest says it; leave it out, or leave out --from-manifest",
                            said[i]);
    return STATUS_OK;
}

/* The file that the manifest stands beside, by the manifest's name. */
static const char *file_beside(const char *manifest, struct arena *arena)
{
    size_t size = strlen(manifest), ending = strlen(MANIFEST_ENDING);
    if (size <= ending || strcmp(manifest + size - ending, MANIFEST_ENDING) != 0)
        return NULL;
    return arena_text_of(arena, (struct bytes){manifest, size - ending});
}

static enum status choose_files(const struct options *options, const struct remake *remake,
                                struct training_request *request, struct error *err)
{
    const char *asks = option_text(options, "--entities"), *out = option_text(options, "--out");
    request->asks_path = asks ? asks : remake->then.asks.path;
    request->asks_query = request->asks_path ? NULL : remake->then.asks.query;
    request->out_path = out ? out : file_beside(remake->path, options->arena);
    request->keep_other = out != NULL;
    if (!asks && request->asks_path && strcmp(request->asks_path, "-") == 0)
        return fail(err, STATUS_INVALID,
                    "%s was asked through standard input: give the same rows with --entities",
                    remake->path);
    if (!request->out_path)
        return fail(err, STATUS_INVALID,
                    "%s does not end in " MANIFEST_ENDING ": say with --out where the training set "
                    "goes",
                    remake->path);
    return STATUS_OK;
}

enum status remake_read(const struct options *options, struct remake *remake,
                        struct training_request *request, struct error *err)
{
    remake->path = option_text(options, "--from-manifest");
    enum status status = manifest_read(remake->path, options->arena, &remake->then, err);
    if (!status)
        status = choose_files(options, remake, request, err);
    if (status)
        return status;
    request->origin = &remake->then.origin;
    request->again = &remake->then;
    request->as_known = remake->then.as_known;
    request->as_of_us = remake->then.as_of_us;
    request->with_status = remake->then.with_status;
    return table_format_named(remake->then.format, &request->format, err);
}

static enum status select_features(const struct manifest_origin *origin,
                                   const struct definitions *definitions, struct arena *arena,
                                   struct selection *selection, struct error *err)
{
    if (origin->service)
        return selection_of_service(definitions, origin->service, origin->full_names, arena,
                                    selection, err);
    struct bytes *references = arena_array(arena, origin->reference_count, sizeof *references);
    for (size_t i = 0; i < origin->reference_count; i++)
        references[i] = bytes_of_text(origin->references[i]);
    return selection_of_references(definitions, references, origin->reference_count,
                                   origin->full_names, arena, selection, err);
}

/* Whether this version of the definitions would give the same columns, from the same views. */
static enum status try_version(const struct remake *remake, struct registry *registry,
                               uint64_t version, struct arena *arena, struct catalog *catalog,
                               struct selection *selection, struct error *err)
{
    const struct manifest_origin *origin = &remake->then.origin;
    const struct training_request request = {.catalog = catalog, .selection = selection};
    struct manifest now;
    enum status status =
        version ? registry_read_version(registry, origin->project, version, arena, catalog, err)
                : registry_read(registry, origin->project, arena, catalog, err);
    if (!status)
        status = select_features(origin, &catalog->definitions, arena, selection, err);
    if (status)
        return status;
    manifest_begin(&now, origin, &request, arena);
    return manifest_check_same_definitions(&remake->then, &now, err);
}

enum status remake_select(const struct remake *remake, const struct settings *settings,
                          struct registry *registry, struct arena *arena, struct catalog *catalog,
                          struct selection *selection, struct error *err)
{
    const struct manifest *then = &remake->then;
    if (strcmp(then->origin.project, settings->project) != 0)
        return fail(err, STATUS_INVALID,
                    "%s is of the project %s, and this folder's is %s: -C names another folder",
                    remake->path, then->origin.project, settings->project);
    enum status status =
        try_version(remake, registry, then->definitions_version, arena, catalog, selection, err);
    if (status == STATUS_NOT_FOUND || status == STATUS_INVALID)
        status = try_version(remake, registry, 0, arena, catalog, selection, err);
    if (status != STATUS_NOT_FOUND && status != STATUS_INVALID)
        return status;
    fail_within(err,
                "the definitions that %s was made from (version %llu) are not kept here, and "
                "those that are differ",
                remake->path, (unsigned long long)then->definitions_version);
    return status;
}

void remake_warn(const struct remake *remake, const struct training_request *request)
{
    char made[TIMESTAMP_TEXT_SIZE];
    timestamp_format(remake->then.made_us, made);
    if (strcmp(remake->then.larder, LARDER_VERSION) != 0)
        notice(NOTICE_WARNING, "made by larder %s, and this is " LARDER_VERSION,
               remake->then.larder);
    if (request->as_of_us == AS_OF_NOW)
        notice(NOTICE_WARNING,
               "it was made without --as-of: what was recorded or corrected since %s counts, too",
               made);
}

/* Columns whose counts are others now. */
static void tell_columns(const struct manifest *then, const struct manifest *now,
                         struct arena *arena)
{
    static const char *const titles[] = {"COLUMN", "STATUS", "THEN", "NOW"};
    static const bool right[] = {false, false, true, true};
    struct table table;
    char before[COUNT_TEXT_SIZE], after[COUNT_TEXT_SIZE];
    size_t differing = 0;
    table_init(&table, arena, COUNT_OF(titles), titles, right);
    for (size_t i = 0; i < now->column_count; i++) {
        const struct manifest_column *a = &then->columns[i], *b = &now->columns[i];
        for (int s = 0; s < VALUE_STATUS_COUNT; s++) {
            if (a->values[s] == b->values[s])
                continue;
            const char *const cells[] = {b->name, value_status_name((enum value_status)s),
                                         count_format(a->values[s], before),
                                         count_format(b->values[s], after)};
            table_add(&table, cells);
            differing++;
        }
    }
    if (differing > 0)
        table_print(&table, stderr, "  ");
    else
        notice(NOTICE_HINT, "every column has as many values of each status as it had: values were "
                            "changed in place, or rows with equal times were");
}

void remake_tell(const struct remake *remake, const struct training_request *request,
                 const struct manifest *now, bool is_other, struct arena *arena)
{
    if (!is_other) {
        fprintf(stderr, "the same bytes as %s tells of\n", remake->path);
        return;
    }
    notice(NOTICE_FAILURE, "these are not the bytes that %s tells of: the history gives other rows",
           remake->path);
    tell_columns(&remake->then, now, arena);
    if (request->keep_other)
        notice(NOTICE_HINT, "%s holds what came now", output_name(request->out_path));
    else
        notice(NOTICE_HINT, "%s was left as it was; --out F keeps what comes now",
               request->out_path);
}
