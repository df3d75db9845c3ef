/* applied.c - see applied.h. */
#include "cli/applied.h"

/* found NULL: it has to be there. */
static int read_applied(const struct options *options, struct applied *applied, bool *found)
{
    struct error err;
    *applied = (struct applied){0};
    int code = command_read_settings(options, &applied->settings);
    if (code)
        return code;
    enum status status = registry_open(&applied->settings, &applied->registry, &err);
    if (!status)
        status = registry_read(applied->registry, applied->settings.project, options->arena,
                               &applied->catalog, &err);
    if (found)
        *found = !status;
    if (!status || (found && status == STATUS_NOT_FOUND))
        return EXIT_DONE;
    applied_close(applied);
    return command_failed(&err);
}

int applied_open(const struct options *options, struct applied *applied)
{
    return read_applied(options, applied, NULL);
}

int applied_find(const struct options *options, struct applied *applied, bool *found)
{
    return read_applied(options, applied, found);
}

void applied_close(struct applied *applied)
{
    registry_close(applied->registry);
    applied->registry = NULL;
}
