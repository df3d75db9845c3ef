/* checkup_repository.c - the folder: settings and definitions. Needs no store. */
#include "cli/checkup.h"

#include <string.h>

static const char *settings_path(const struct checkup *checkup)
{
    const char *directory = checkup->options->directory;
    return strcmp(directory, ".") == 0 ? "larder.yaml"
                                       : arena_printf(checkup->arena, "%s/larder.yaml", directory);
}

static void find_problems(struct checkup *checkup, struct problems *problems,
                          const struct error *err)
{
    problems_sort(problems);
    for (size_t i = 0; i < problems->count; i++)
        diagnosis_find(checkup->diagnosis, FINDING_ERROR, "%s: %s",
                       place_text(problems->items[i].place, checkup->arena),
                       problems->items[i].text);
    if (problems->count == 0)
        diagnosis_find(checkup->diagnosis, FINDING_ERROR, "%s", err->message);
}

static void look_at_settings(struct checkup *checkup)
{
    struct settings *settings = &checkup->repository.settings;
    struct problems problems;
    struct error err;
    diagnosis_begin(checkup->diagnosis, "settings");
    problems_init(&problems, checkup->arena);
    enum status status = repository_read_settings(checkup->options->directory, checkup->arena,
                                                  settings, &problems, &err);
    checkup->has_settings = status == STATUS_OK;
    if (status)
        find_problems(checkup, &problems, &err);
    else
        diagnosis_see(checkup->diagnosis, "%s, project %s", settings_path(checkup),
                      settings->project);
}

static const char *count_text(size_t count, const char *one, const char *many, struct arena *arena)
{
    return arena_printf(arena, "%zu %s", count, count == 1 ? one : many);
}

static void see_definitions(struct checkup *checkup)
{
    const struct definitions *definitions = &checkup->repository.definitions;
    struct arena *arena = checkup->arena;
    diagnosis_see(
        checkup->diagnosis, "%s, %s, %s, %s",
        count_text(definitions->entity_count, "entity", "entities", arena),
        count_text(definitions->source_count, "source", "sources", arena),
        count_text(definitions->view_count, "feature view", "feature views", arena),
        count_text(definitions->service_count, "feature service", "feature services", arena));
}

/* Read beside settings that are right, so that every problem is one of the definitions. */
static void look_at_definitions(struct checkup *checkup)
{
    struct problems problems;
    struct error err;
    diagnosis_begin(checkup->diagnosis, "definitions");
    if (!checkup->has_settings) {
        diagnosis_cannot_see(checkup->diagnosis, "the settings come first");
        return;
    }
    problems_init(&problems, checkup->arena);
    enum status status = repository_read(checkup->options->directory, checkup->arena,
                                         &checkup->repository, &problems, &err);
    checkup->has_definitions = status == STATUS_OK;
    if (status)
        find_problems(checkup, &problems, &err);
    else
        see_definitions(checkup);
}

void checkup_repository(struct checkup *checkup)
{
    look_at_settings(checkup);
    struct settings settings = checkup->repository.settings;
    look_at_definitions(checkup);
    /* Where the definitions are wrong, the settings are good all the same. */
    checkup->repository.settings = settings;
}
