/* references.c - see references.h. */
#include "cli/references.h"

#include "cli/notice.h"
#include "config/repository.h"

static size_t count_parts(const char *list)
{
    size_t count = 1;
    for (; *list; list++)
        count += *list == ',';
    return count;
}

const struct bytes *references_split(const struct options *options, size_t *count)
{
    size_t list_count, most = 0;
    const char *const *lists = option_texts(options, "--features", &list_count);
    for (size_t i = 0; i < list_count; i++)
        most += count_parts(lists[i]);
    struct bytes *parts = arena_array(options->arena, most + 1, sizeof *parts);
    *count = 0;
    for (size_t i = 0; i < list_count; i++) {
        for (const char *at = lists[i];;) {
            at += strspn(at, " \t"); /* as behind the commas of --entity */
            size_t size = strcspn(at, ",");
            if (size > 0)
                parts[(*count)++] = (struct bytes){at, size};
            if (at[size] == '\0')
                break;
            at += size + 1;
        }
    }
    return parts;
}

enum status references_check(const struct options *options, struct error *err)
{
    bool has_service = option_text(options, "--service") != NULL;
    bool has_features = option_text(options, "--features") != NULL;
    if (!has_service && !has_features)
        return fail(err, STATUS_INVALID,
                    "which features? give --service S or --features view:feature,...");
    if (has_service && has_features)
        return fail(err, STATUS_INVALID, "give --service or --features, not both");
    return STATUS_OK;
}

enum status references_select(const struct options *options, const struct definitions *definitions,
                              struct selection *selection, struct error *err)
{
    enum status status = references_check(options, err);
    if (status)
        return status;
    bool full_names = option_flag(options, "--full-names");
    const char *service = option_text(options, "--service");
    if (service)
        return selection_of_service(definitions, service, full_names, options->arena, selection,
                                    err);
    size_t count;
    const struct bytes *references = references_split(options, &count);
    return selection_of_references(definitions, references, count, full_names, options->arena,
                                   selection, err);
}

void references_hint(const struct options *options)
{
    struct repository repository;
    struct selection selection;
    struct problems problems;
    problems_init(&problems, options->arena);
    if (repository_read(options->directory, options->arena, &repository, &problems, NULL) ==
            STATUS_OK &&
        references_select(options, &repository.definitions, &selection, NULL) == STATUS_OK)
        notice(NOTICE_HINT,
               "it is defined in this folder, but not applied: larder apply does that");
}
