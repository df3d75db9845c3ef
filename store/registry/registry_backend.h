/*
 * registry_backend.h - what a backend of the registry is: one table of operations.
 *
 * For store/registry/ alone. Each slot means what the function of its name in registry.h says, and
 * none may be NULL. A backend's struct begins with a struct registry, and must pass
 * tests/conformance/registry_suite.c.
 */
#ifndef LARDER_STORE_REGISTRY_REGISTRY_BACKEND_H
#define LARDER_STORE_REGISTRY_REGISTRY_BACKEND_H

#include "store/registry/registry.h"

struct registry_backend {
    void (*close)(struct registry *registry);
    /* version 0: the newest */
    enum status (*read)(struct registry *registry, const char *project, uint64_t version,
                        struct arena *arena, struct catalog *catalog, struct error *err);
    enum status (*version)(struct registry *registry, const char *project,
                           struct registry_version *version, struct error *err);
    enum status (*identity)(struct registry *registry, uint64_t *identity, struct error *err);
    enum status (*examine)(struct registry *registry, struct arena *arena,
                           struct findings *findings, struct error *err);
    enum status (*apply)(struct registry *registry, const struct definitions *definitions,
                         struct apply_options options, struct arena *arena,
                         struct apply_outcome *outcome, struct error *err);
    enum status (*plan)(struct registry *registry, const struct definitions *definitions,
                        struct apply_options options, struct arena *arena,
                        struct difference *difference, struct error *err);
    enum status (*remove)(struct registry *registry, const char *project, struct error *err);
    enum status (*view_states)(struct registry *registry, const struct catalog *catalog,
                               struct view_state *states, struct arena *arena, struct error *err);
    enum status (*advance)(struct registry *registry, const struct catalog *catalog,
                           const struct catalog_view *view, const struct view_state *state,
                           bool clears_stale, bool *outdated, struct error *err);
    enum status (*switch_rows)(struct registry *registry, const struct catalog *catalog,
                               const struct catalog_view *view, const struct view_state *seen,
                               int64_t watermark_us, int64_t position, bool *outdated,
                               struct error *err);
    enum status (*mark_stale)(struct registry *registry, const struct catalog *catalog,
                              const struct catalog_view *view, const struct view_state *seen,
                              const char *reason, bool rebuild, struct error *err);
    enum status (*adopt_system)(struct registry *registry, uint64_t system_identifier,
                                bool *changed, struct error *err);
    enum status (*removed_rows)(struct registry *registry, const struct catalog *catalog,
                                struct arena *arena, struct removed_rows **rows, size_t *count,
                                struct error *err);
    enum status (*forget_rows)(struct registry *registry, const struct catalog *catalog,
                               const struct removed_rows *rows, size_t count, struct error *err);
    enum status (*leave_rows)(struct registry *registry, const struct catalog *catalog,
                              uint32_t view_id, uint32_t generation, bool *unread,
                              struct error *err);
    enum status (*keep_sample)(struct registry *registry, struct position_sample sample,
                               struct error *err);
    enum status (*find_sample)(struct registry *registry, uint64_t snapshot_xmin,
                               struct position_sample *sample, bool *found, struct error *err);
    enum status (*wait)(struct registry *registry, int timeout_ms, int wake_fd, bool *changed,
                        struct error *err);
};

struct registry {
    const struct registry_backend *backend;
};

/* That there is no such version (0: none at all) of the project. */
enum status registry_fail_not_found(const char *project, uint64_t version, struct error *err);

/* How long a call may take. */
struct registry_limit {
    uint32_t timeout_ms; /* 0: as long as it takes */
    int wake_fd;         /* -1: none; see registry_open_for_server */
};

/* One for each type of offline store. */
enum status postgres_registry_open(const struct settings *settings, struct registry_limit limit,
                                   struct registry **registry, struct error *err);
enum status sqlite_registry_open(const struct settings *settings, struct registry_limit limit,
                                 struct registry **registry, struct error *err);

#endif
