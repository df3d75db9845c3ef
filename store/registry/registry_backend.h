/*
 * registry_backend.h - what a backend of the registry is: one table of operations.
 *
 * For store/registry/ alone. Each slot means what the function of its name in registry.h says, but
 * for the steps at the end, which application.c puts together to an apply and to a switch. None may
 * be NULL. A backend's struct begins with a struct registry, and must pass
 * tests/conformance/registry_suite.c.
 */
#ifndef LARDER_STORE_REGISTRY_REGISTRY_BACKEND_H
#define LARDER_STORE_REGISTRY_REGISTRY_BACKEND_H

#include "store/registry/registry.h"

/* The newest version of a project. */
struct newest {
    bool found;
    struct catalog catalog;
};

/* Views get a fresh pending generation, `gap` numbers behind the last that they had; the one that
 * was pending is given up, and recorded as removed. */
struct renewal {
    uint32_t project_id, view_id; /* 0: every one */
    uint32_t gap;
    bool only_pending; /* only where one was pending */
};

struct stale_mark;

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
    enum status (*remove)(struct registry *registry, const char *project, struct error *err);
    enum status (*view_states)(struct registry *registry, const struct catalog *catalog,
                               struct view_state *states, struct arena *arena, struct error *err);
    enum status (*advance)(struct registry *registry, const struct catalog *catalog,
                           const struct catalog_view *view, const struct view_state *state,
                           bool clears_stale, bool *outdated, struct error *err);
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

    /* Steps: a transaction in which nobody else changes the registry. After a failure to begin none
     * is open. begin_apply makes the tables, with their identity; begin_switch is NOT_FOUND where
     * they are not there. end commits if the status is OK, and else rolls back and returns it. */
    enum status (*begin_apply)(struct registry *registry, uint64_t *identity, struct error *err);
    enum status (*begin_switch)(struct registry *registry, struct error *err);
    enum status (*end)(struct registry *registry, enum status status, struct error *err);
    /* Within it. */
    enum status (*read_newest)(struct registry *registry, const char *project, struct arena *arena,
                               struct newest *newest, struct error *err);
    enum status (*number_project)(struct registry *registry, const char *project, uint32_t *id,
                                  struct error *err);
    /* last: of each view of the catalog; kept where a view has no state. */
    enum status (*last_generations)(struct registry *registry, const struct catalog *catalog,
                                    uint32_t *last, struct error *err);
    /* As the newest of its project; listeners hear of it. */
    enum status (*write_version)(struct registry *registry, const struct catalog *catalog,
                                 struct arena *arena, struct error *err);
    /* The states of removed views go, those of new ones come. A view of a new generation begins
     * anew. What was online of those that go is recorded as removed. */
    enum status (*match_states)(struct registry *registry, const struct catalog *catalog,
                                struct arena *arena, struct error *err);
    enum status (*mark_view)(struct registry *registry, const struct catalog *catalog,
                             const struct stale_mark *mark, struct arena *arena, struct error *err);
    enum status (*renew)(struct registry *registry, struct renewal renewal, struct error *err);
    /* *outdated: the state is no longer the one that was seen. */
    enum status (*switch_state)(struct registry *registry, const struct catalog *catalog,
                                const struct catalog_view *view, const struct view_state *seen,
                                int64_t watermark_us, int64_t position, bool *outdated,
                                struct error *err);
    /* The rows of the view's generation in this catalog. */
    enum status (*record_removed)(struct registry *registry, const struct catalog *catalog,
                                  const struct catalog_view *view, struct error *err);
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
