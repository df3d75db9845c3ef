/*
 * registry.h - where applied definitions live, with what moves beside them.
 *
 * Commands apply to it, the materializer keeps watermarks and positions in it, servers read
 * catalogs from it and hear of changes. Several projects share one registry (a schema of
 * PostgreSQL, or tables of a SQLite file whose names begin alike).
 * A handle belongs to one thread. Backends include registry_backend.h.
 *
 * An apply is one transaction under a lock, makes one new version, keeps the old ones and notifies.
 * Nothing here touches the online store: callers do that after a commit.
 *
 * Generations. A view's rows stand online in generations; the catalog says which one is read. Where
 * rows are to be made of something else (another table or time column; a database that has become
 * another system or an earlier state of itself), they could not replace those that stand: a lesser
 * (event time, created time, position) is refused, and what only the old source held would stay. So
 * such a view gets a pending generation, of a number that it never had. Readers go on with the one
 * they read; the next run writes the view whole into the pending one, and registry_switch_rows
 * makes that the one that is read. Whoever is killed before the switch has changed nothing that is
 * read, and the next run writes into the same generation again; behind it all is done. A further
 * change gives a further number, and a run that comes too late for it begins anew.
 *
 * Rows that nobody reads any more (of a generation that was left or given up, of a removed view)
 * are recorded in the transaction that makes them so, and stay recorded until someone has removed
 * them from the online store: materializer/sweep.h.
 */
#ifndef LARDER_STORE_REGISTRY_REGISTRY_H
#define LARDER_STORE_REGISTRY_REGISTRY_H

#include "base/arena.h"
#include "base/error.h"
#include "config/difference.h"
#include "config/settings.h"
#include "store/finding.h"
#include "store/registry/catalog.h"

#include <stdbool.h>
#include <stdint.h>

struct registry;

/* Opens the registry in the offline store's database. Makes nothing: the first apply makes its
 * schema. */
enum status registry_open(const struct settings *settings, struct registry **registry,
                          struct error *err);
/* The same for whoever must not be held up by a registry that hangs: opening and each call fail
 * (CANCELLED, UNAVAILABLE) after the offline store's timeout and, once wake_fd can be read, within
 * a second. A file that is not there is UNAVAILABLE, too: to others it only says that nothing was
 * applied. After an UNAVAILABLE the handle is to be closed. */
enum status registry_open_for_server(const struct settings *settings, int wake_fd,
                                     struct registry **registry, struct error *err);
void registry_close(struct registry *registry);

/* The newest version. NOT_FOUND: this project was never applied here ("run larder apply"). */
enum status registry_read(struct registry *registry, const char *project, struct arena *arena,
                          struct catalog *catalog, struct error *err);
/* That one of its versions. NOT_FOUND: there is none of this number. */
enum status registry_read_version(struct registry *registry, const char *project, uint64_t version,
                                  struct arena *arena, struct catalog *catalog, struct error *err);
/* Which version is the newest; cheap. A project that is removed and applied anew begins again at
 * number 1, under another id: only both together say that nothing has changed. */
struct registry_version {
    uint32_t project_id;
    uint64_t number; /* 0: the project was never applied */
    bool may_lag;    /* it was read from a standby, which may not have heard of a newer one */
};
enum status registry_version(struct registry *registry, const char *project,
                             struct registry_version *version, struct error *err);
bool registry_version_is(struct registry_version version, const struct catalog *catalog);

/* The registry's identity; 0 if nothing was ever applied to it. */
enum status registry_identity(struct registry *registry, uint64_t *identity, struct error *err);

/* What this user may not do to it. That it is not there yet is nothing wrong. */
enum status registry_examine(struct registry *registry, struct arena *arena,
                             struct findings *findings, struct error *err);

struct apply_options {
    /* Remove what the definitions lack; without it that is a CONFLICT that names them. */
    bool prune;
    /* Start a new generation of every view: the online store belonged to another registry. */
    bool take_over;
};

struct apply_outcome {
    struct catalog catalog;       /* as it stands now */
    struct difference difference; /* what changed; empty (and no new version) if nothing did */
};

/* CONFLICT: removal without --prune; a change that needs --replace ("not possible yet"). The
 * registry is made if it is not there, with its identity. Views the difference calls stale are
 * marked so; those whose rows it calls rebuilt, and those of which a generation was pending, get a
 * fresh pending one. Rows of removed views and of generations given up are recorded as removed. */
enum status registry_apply(struct registry *registry, const struct definitions *definitions,
                           struct apply_options options, struct arena *arena,
                           struct apply_outcome *outcome, struct error *err);
/* What apply would do, or why it would refuse, changing nothing: the difference is filled even
 * where it returns CONFLICT. An empty registry is an empty "before". */
enum status registry_plan(struct registry *registry, const struct definitions *definitions,
                          struct apply_options options, struct arena *arena,
                          struct difference *difference, struct error *err);

/* Removes the project with its versions and states; with the last project the samples, the tables
 * and, if an apply made it, the schema, except where others' objects stand on them. OK if it is not
 * there. Waiting servers hear of it. Ids of a removed project are not given again while others
 * remain. */
enum status registry_remove(struct registry *registry, const char *project, struct error *err);

/* What moves without an apply, per view. */
struct view_state {
    uint32_t view_id;
    bool has_watermark;
    int64_t watermark_us;        /* E of the last run; never goes back */
    int64_t position;            /* of the last run; 0 before the first */
    uint64_t stale_version;      /* the catalog version that made it stale; 0: not stale */
    const char *stale_reason;    /* for people; NULL */
    uint32_t pending_generation; /* the next run fills it whole; 0: none. Such a view is stale */
    int64_t updated_us;          /* when a run last ended, by the registry's clock; 0: never */
};
/* One for each view of the catalog, in its order. */
enum status registry_view_states(struct registry *registry, const struct catalog *catalog,
                                 struct arena *arena, struct view_state **states,
                                 struct error *err);
/* After a run's rows are acknowledged: watermark (where has_watermark) and position move forward
 * only, and so does the time of the update, which is now; a stale mark is cleared if clears_stale,
 * it was made by catalog->version or before, and no generation is pending. *outdated: the
 * generation of this catalog is read no more, and nothing was done. */
enum status registry_advance(struct registry *registry, const struct catalog *catalog,
                             const struct view_state *state, bool clears_stale, bool *outdated,
                             struct error *err);
/* After a run has filled the pending generation of `seen`, the state with which it began, up to
 * this watermark as of this position: makes it the one that is read, in a new version that
 * listeners hear of, sets both, clears the stale mark, and records the rows of before as removed.
 * *outdated: another generation is pending or read by now, or the watermark has moved, and nothing
 * was done. */
enum status registry_switch_rows(struct registry *registry, const struct catalog *catalog,
                                 const struct view_state *seen, int64_t watermark_us,
                                 int64_t position, bool *outdated, struct error *err);
/* The next run has to write a view of this catalog whole: because the online store lost writes of
 * it, or, with `rebuild`, into a fresh pending generation, unless another has become pending than
 * `seen` has. */
enum status registry_mark_stale(struct registry *registry, const struct catalog *catalog,
                                const struct view_state *seen, const char *reason, bool rebuild,
                                struct error *err);
/* The system that positions belong to. Another one than was kept: every view of every project is
 * marked stale, gets a fresh pending generation, and its position is forgotten; *changed says so.
 */
enum status registry_adopt_system(struct registry *registry, uint64_t system_identifier,
                                  bool *changed, struct error *err);

/* Rows that nobody reads any more, and that may still be online. */
struct removed_rows {
    uint32_t view_id;
    uint32_t generation; /* 0: every one; the view was removed */
    int64_t since_us;    /* by the registry's clock */
    int64_t age_us;
};
/* Those of the catalog's project. In the arena. */
enum status registry_removed_rows(struct registry *registry, const struct catalog *catalog,
                                  struct arena *arena, struct removed_rows **rows, size_t *count,
                                  struct error *err);
/* They are gone: strikes them off, but for those that were recorded again since they were read. */
enum status registry_forget_rows(struct registry *registry, const struct catalog *catalog,
                                 const struct removed_rows *rows, size_t count, struct error *err);
/* For a writer that ends: records the rows it wrote as removed if by now their generation is
 * neither read nor pending (*unread). Whoever removed them before did not see the last. */
enum status registry_leave_rows(struct registry *registry, const struct catalog *catalog,
                                uint32_t view_id, uint32_t generation, bool *unread,
                                struct error *err);

/* Positions sampled by runs (design section 6). Keeping one drops those that are of no more use. */
struct position_sample {
    int64_t position;
    uint64_t next_transaction; /* usable once a snapshot's xmin has reached it */
};
enum status registry_keep_sample(struct registry *registry, struct position_sample sample,
                                 struct error *err);
/* The latest kept sample that a snapshot with this xmin may use; *found false if none. */
enum status registry_find_sample(struct registry *registry, uint64_t snapshot_xmin,
                                 struct position_sample *sample, bool *found, struct error *err);

/* For servers: waits up to timeout_ms (-1: without end) for news of any project. The first call
 * only begins to listen and returns at once with *changed true: read after it, and nothing is
 * missed. *changed false: the time is over, or `wake_fd` (-1: none) became readable. Nobody can
 * listen at a standby: once registry_version has found that it is one, this only waits. After an
 * UNAVAILABLE the handle is to be closed and another opened; whoever reconnects reads again. */
enum status registry_wait(struct registry *registry, int timeout_ms, int wake_fd, bool *changed,
                          struct error *err);

#endif
