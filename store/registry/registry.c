/* registry.c - finds the backend, and what is the same over all of them. See registry.h. */
#include "store/registry/registry.h"

#include "store/registry/registry_backend.h"

#include <assert.h>

static const struct {
    const char *type; /* of the offline store, whose database holds the registry */
    enum status (*open)(const struct settings *settings, struct registry_limit limit,
                        struct registry **registry, struct error *err);
} backends[] = {
    {"postgres", postgres_registry_open},
    {"sqlite", sqlite_registry_open},
};

static enum status open_within(const struct settings *settings, struct registry_limit limit,
                               struct registry **registry, struct error *err)
{
    *registry = NULL;
    for (size_t i = 0; i < COUNT_OF(backends); i++)
        if (strcmp(backends[i].type, settings->offline_store.type) == 0)
            return backends[i].open(settings, limit, registry, err);
    return fail(err, STATUS_INVALID, "an offline store of type %s cannot hold the registry",
                settings->offline_store.type);
}

enum status registry_open(const struct settings *settings, struct registry **registry,
                          struct error *err)
{
    return open_within(settings, (struct registry_limit){.wake_fd = -1}, registry, err);
}

enum status registry_open_for_server(const struct settings *settings, int wake_fd,
                                     struct registry **registry, struct error *err)
{
    struct registry_limit limit = {settings->offline_store.timeout_ms, wake_fd};
    return open_within(settings, limit, registry, err);
}

void registry_close(struct registry *registry)
{
    if (registry)
        registry->backend->close(registry);
}

enum status registry_read(struct registry *registry, const char *project, struct arena *arena,
                          struct catalog *catalog, struct error *err)
{
    return registry->backend->read(registry, project, 0, arena, catalog, err);
}

enum status registry_read_version(struct registry *registry, const char *project, uint64_t version,
                                  struct arena *arena, struct catalog *catalog, struct error *err)
{
    assert(version != 0 && "versions begin at 1");
    return registry->backend->read(registry, project, version, arena, catalog, err);
}

enum status registry_fail_not_found(const char *project, uint64_t version, struct error *err)
{
    if (version)
        return fail(err, STATUS_NOT_FOUND, "the project %s has no version %llu here", project,
                    (unsigned long long)version);
    return fail(err, STATUS_NOT_FOUND,
                "nothing is applied yet for the project %s: run larder apply", project);
}

enum status registry_version(struct registry *registry, const char *project,
                             struct registry_version *version, struct error *err)
{
    *version = (struct registry_version){0};
    return registry->backend->version(registry, project, version, err);
}

bool registry_version_is(struct registry_version version, const struct catalog *catalog)
{
    return version.project_id == catalog->project_id && version.number == catalog->version;
}

enum status registry_identity(struct registry *registry, uint64_t *identity, struct error *err)
{
    *identity = 0;
    return registry->backend->identity(registry, identity, err);
}

enum status registry_examine(struct registry *registry, struct arena *arena,
                             struct findings *findings, struct error *err)
{
    *findings = (struct findings){0};
    return registry->backend->examine(registry, arena, findings, err);
}

enum status registry_remove(struct registry *registry, const char *project, struct error *err)
{
    return registry->backend->remove(registry, project, err);
}

enum status registry_view_states(struct registry *registry, const struct catalog *catalog,
                                 struct arena *arena, struct view_state **states, struct error *err)
{
    size_t count = catalog->definitions.view_count;
    *states = arena_array(arena, count, sizeof **states);
    for (size_t i = 0; i < count; i++)
        (*states)[i].view_id = catalog->views[i].id;
    return registry->backend->view_states(registry, catalog, *states, arena, err);
}

static const struct catalog_view *view_of(const struct catalog *catalog,
                                          const struct view_state *state)
{
    const struct catalog_view *view = catalog_view_of_id(catalog, state->view_id);
    assert(view && "a state is of a view of its catalog");
    return view;
}

enum status registry_advance(struct registry *registry, const struct catalog *catalog,
                             const struct view_state *state, bool clears_stale, bool *outdated,
                             struct error *err)
{
    *outdated = false;
    return registry->backend->advance(registry, catalog, view_of(catalog, state), state,
                                      clears_stale, outdated, err);
}

enum status registry_mark_stale(struct registry *registry, const struct catalog *catalog,
                                const struct view_state *seen, const char *reason, bool rebuild,
                                struct error *err)
{
    return registry->backend->mark_stale(registry, catalog, view_of(catalog, seen), seen, reason,
                                         rebuild, err);
}

enum status registry_adopt_system(struct registry *registry, uint64_t system_identifier,
                                  bool *changed, struct error *err)
{
    *changed = false;
    return registry->backend->adopt_system(registry, system_identifier, changed, err);
}

enum status registry_removed_rows(struct registry *registry, const struct catalog *catalog,
                                  struct arena *arena, struct removed_rows **rows, size_t *count,
                                  struct error *err)
{
    *count = 0;
    return registry->backend->removed_rows(registry, catalog, arena, rows, count, err);
}

enum status registry_forget_rows(struct registry *registry, const struct catalog *catalog,
                                 const struct removed_rows *rows, size_t count, struct error *err)
{
    return registry->backend->forget_rows(registry, catalog, rows, count, err);
}

enum status registry_leave_rows(struct registry *registry, const struct catalog *catalog,
                                uint32_t view_id, uint32_t generation, bool *unread,
                                struct error *err)
{
    *unread = false;
    return registry->backend->leave_rows(registry, catalog, view_id, generation, unread, err);
}

enum status registry_keep_sample(struct registry *registry, struct position_sample sample,
                                 struct error *err)
{
    return registry->backend->keep_sample(registry, sample, err);
}

enum status registry_find_sample(struct registry *registry, uint64_t snapshot_xmin,
                                 struct position_sample *sample, bool *found, struct error *err)
{
    *found = false;
    return registry->backend->find_sample(registry, snapshot_xmin, sample, found, err);
}

enum status registry_wait(struct registry *registry, int timeout_ms, int wake_fd, bool *changed,
                          struct error *err)
{
    *changed = false;
    return registry->backend->wait(registry, timeout_ms, wake_fd, changed, err);
}
