/* applied.c - see applied.h. */
#include "cli/applied.h"

int applied_open(const struct options *options, struct applied *applied)
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
    if (!status)
        return EXIT_DONE;
    applied_close(applied);
    return command_failed(&err);
}

void applied_close(struct applied *applied)
{
    registry_close(applied->registry);
    applied->registry = NULL;
}
