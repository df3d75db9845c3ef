/* checkup_registry.c - what is applied: whether it can be read, and is what the folder says. */
#include "cli/checkup.h"

static void compare_with_folder(struct checkup *checkup)
{
    if (!checkup->has_definitions)
        return;
    struct difference difference = definitions_difference(
        &checkup->catalog.definitions, &checkup->repository.definitions, checkup->arena);
    if (difference.change_count > 0)
        diagnosis_find(checkup->diagnosis, FINDING_HINT,
                       "the definitions in this folder are not those that are applied: larder plan "
                       "shows the difference, larder apply ends it");
}

static void read_catalog(struct checkup *checkup)
{
    const struct settings *settings = &checkup->repository.settings;
    struct error err;
    enum status status = registry_read(checkup->registry, settings->project, checkup->arena,
                                       &checkup->catalog, &err);
    checkup->has_catalog = status == STATUS_OK;
    diagnosis_see(checkup->diagnosis, "%s", settings->registry_schema);
    if (status) {
        diagnosis_find(checkup->diagnosis,
                       status == STATUS_NOT_FOUND ? FINDING_HINT : FINDING_ERROR, "%s",
                       err.message);
        return;
    }
    diagnosis_see(checkup->diagnosis, "%s: version %llu of project %s", settings->registry_schema,
                  (unsigned long long)checkup->catalog.version, settings->project);
    compare_with_folder(checkup);
}

static void look_at_rights(struct checkup *checkup)
{
    struct findings findings;
    struct error err;
    if (registry_examine(checkup->registry, checkup->arena, &findings, &err)) {
        diagnosis_find(checkup->diagnosis, FINDING_ERROR, "%s", err.message);
        return;
    }
    diagnosis_take(checkup->diagnosis, &findings);
}

/* As servers open it, whose calls end: a lock that somebody holds is waited for so long alone. */
void checkup_registry(struct checkup *checkup)
{
    struct error err;
    diagnosis_begin(checkup->diagnosis, "registry");
    if (!checkup->has_settings)
        diagnosis_cannot_see(checkup->diagnosis, "the settings come first");
    else if (!checkup->offline)
        diagnosis_cannot_see(checkup->diagnosis, "it is in the offline store, which is away");
    else if (checkup->offline_says.is_new)
        diagnosis_find(checkup->diagnosis, FINDING_HINT,
                       "nothing is applied yet for the project %s: run larder apply",
                       checkup->repository.settings.project);
    else if (registry_open_for_server(&checkup->repository.settings, -1, &checkup->registry, &err))
        diagnosis_find(checkup->diagnosis, FINDING_ERROR, "%s", err.message);
    if (!checkup->registry)
        return;
    read_catalog(checkup);
    look_at_rights(checkup);
}
