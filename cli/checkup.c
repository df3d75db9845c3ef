/* checkup.c - see checkup.h. */
#include "cli/checkup.h"

const char *store_place(const struct store_settings *store, struct arena *arena)
{
    return store->url ? url_without_secret(store->url, arena) : store->path;
}

const char *size_text(uint64_t bytes, struct arena *arena)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
    double size = (double)bytes / 1024;
    size_t unit = 0;
    for (; size >= 1023.95 && unit + 1 < COUNT_OF(units); unit++)
        size /= 1024;
    return arena_printf(arena, "%.1f %s", size, units[unit]);
}

void checkup_run(struct checkup *checkup)
{
    checkup_repository(checkup);
    checkup_offline_store(checkup);
    checkup_sources(checkup);
    checkup_transactions(checkup);
    checkup_registry(checkup);
    checkup_online_store(checkup);
    checkup_clocks(checkup);
    checkup_disks(checkup);
    checkup_feature_views(checkup);
    checkup_server(checkup);
    offline_store_close(checkup->offline);
    registry_close(checkup->registry);
    online_store_close(checkup->online);
}
