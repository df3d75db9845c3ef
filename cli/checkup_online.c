/* checkup_online.c - the newest rows: their store, whose it is, how full it is. */
#include "cli/checkup.h"

#include <inttypes.h>

/* In percent of what the store may take. */
enum { ROOM_HINT = 80, ROOM_WRONG = 95 };

static const char *used_text(const struct examination *says, struct arena *arena)
{
    const char *limit =
        says->limit_bytes ? arena_printf(arena, " of %s", size_text(says->limit_bytes, arena)) : "";
    return says->is_new
               ? ""
               : arena_printf(arena, ", %s%s used", size_text(says->used_bytes, arena), limit);
}

static void see_online_store(struct checkup *checkup)
{
    const struct examination *says = &checkup->online_says;
    struct arena *arena = checkup->arena;
    diagnosis_see(checkup->diagnosis, "%s, %s%s", says->version,
                  store_place(&checkup->repository.settings.online_store, arena),
                  used_text(says, arena));
    diagnosis_take(checkup->diagnosis, &says->findings);
    if (says->is_new)
        diagnosis_find(checkup->diagnosis, FINDING_HINT,
                       "nothing is there yet: larder apply makes it, or larder materialize");
}

static void look_at_room(struct checkup *checkup)
{
    const struct examination *says = &checkup->online_says;
    if (!says->limit_bytes)
        return;
    double percent = 100.0 * (double)says->used_bytes / (double)says->limit_bytes;
    if (percent >= ROOM_HINT)
        diagnosis_find(checkup->diagnosis, percent >= ROOM_WRONG ? FINDING_ERROR : FINDING_HINT,
                       "it is %.0f %% full, and larder materialize fails once it is: raise its "
                       "%s, or shorten ttls",
                       percent,
                       checkup->repository.settings.online_store.url ? "maxmemory" : "max_size");
}

static void look_at_owner(struct checkup *checkup)
{
    uint64_t owner, identity = 0;
    struct error err;
    if (online_store_owner(checkup->online, &owner, &err)) {
        diagnosis_find(checkup->diagnosis, FINDING_ERROR, "%s", err.message);
        return;
    }
    if (!checkup->registry || registry_identity(checkup->registry, &identity, &err))
        return; /* then it was told already */
    if (owner != 0 && owner != identity)
        diagnosis_find(checkup->diagnosis, FINDING_ERROR,
                       "it belongs to another registry (%016" PRIx64 "): name another store, or "
                       "larder apply --take-over, which ends the other's serving",
                       owner);
}

/* What a server goes by that starts while the registry is away. */
static void look_at_definitions(struct checkup *checkup)
{
    uint64_t identity, version;
    struct error err;
    if (!checkup->has_catalog ||
        online_store_catalog_version(checkup->online, checkup->repository.settings.project,
                                     &identity, &version, &err))
        return;
    if (identity == checkup->catalog.identity && version < checkup->catalog.version)
        diagnosis_find(checkup->diagnosis, FINDING_HINT,
                       "it holds version %" PRIu64 " of the definitions, not version %" PRIu64
                       ": larder materialize puts it there, or a running larder serve",
                       version, checkup->catalog.version);
}

void checkup_online_store(struct checkup *checkup)
{
    struct error err;
    diagnosis_begin(checkup->diagnosis, "online_store");
    if (!checkup->has_settings) {
        diagnosis_cannot_see(checkup->diagnosis, "the settings come first");
        return;
    }
    const struct settings *settings = &checkup->repository.settings;
    diagnosis_see(checkup->diagnosis, "%s", store_place(&settings->online_store, checkup->arena));
    enum status status = online_store_open(settings, &checkup->online, &err);
    if (!status)
        status = online_store_examine(checkup->online, checkup->arena, &checkup->online_says, &err);
    if (!status) {
        see_online_store(checkup);
        look_at_room(checkup);
    } else {
        diagnosis_find(checkup->diagnosis, FINDING_ERROR, "%s", err.message);
    }
    if (status || checkup->online_says.is_new) {
        online_store_close(checkup->online);
        checkup->online = NULL;
        return;
    }
    look_at_owner(checkup);
    look_at_definitions(checkup);
}
