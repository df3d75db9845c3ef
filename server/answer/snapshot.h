/*
 * snapshot.h - one version of the definitions with all plans made from it, and the cell in which
 * the newest one is handed from the thread that reloads to the workers.
 *
 * A snapshot never changes, but for the time when it was last known to be the newest. A worker
 * takes the current one for a batch and lets go of it after: it announces the pointer in its own
 * place, so that taking is a store and two loads, without a lock. The one publisher frees an old
 * snapshot when no worker's place holds it.
 */
#ifndef LARDER_SERVER_ANSWER_SNAPSHOT_H
#define LARDER_SERVER_ANSWER_SNAPSHOT_H

#include "base/arena.h"
#include "base/error.h"
#include "server/answer/plan.h"
#include "store/registry/catalog.h"

#include <stdatomic.h>
#include <stdbool.h>

/* A feature service, its features named by themselves and in full; where it cannot be asked for,
 * status and message say why. */
struct served_service {
    struct service_plan {
        struct plan plan;
        enum status status;
        const char *message;
    } plans[2]; /* [full_names] */
};

struct snapshot {
    struct arena arena; /* everything in here, the catalog too */
    struct catalog catalog;
    const struct served_view *views;       /* in the order of the catalog */
    const struct served_service *services; /* in the order of the definitions */
    _Atomic int64_t newest_at_us; /* monotonic: when it was last known to be the newest; 0: never */
    struct snapshot *next_retired;
};

/* For so long after it was known to be the newest, what a snapshot's generations do not have is not
 * there: rows that a rebuild has replaced stay for SWEEP_AFTER_MS (materializer/sweep.h) at least.
 * It is well above the time from one look into the registry to the next. */
enum { SNAPSHOT_TRUSTED_MS = 1500 };
/* Any thread that holds it. Where this process, or the registry, stood still for longer, it is not
 * known what became of the rows. */
bool snapshot_is_trusted(const struct snapshot *snapshot);

/* Empty, with its arena ready. The caller reads a catalog into it, using that arena, then resolves.
 */
struct snapshot *snapshot_new(void);
void snapshot_free(struct snapshot *snapshot);
void snapshot_resolve(struct snapshot *snapshot);

/* The plan of a feature service. NOT_FOUND: no such service; INVALID: it cannot be served. */
enum status snapshot_plan_service(const struct snapshot *snapshot, struct bytes name,
                                  bool full_names, const struct plan **plan, struct error *err);
/* A plan for a list of view:feature references, in the arena. NOT_FOUND and INVALID as above. */
enum status snapshot_plan_references(const struct snapshot *snapshot,
                                     const struct bytes *references, size_t count, bool full_names,
                                     struct arena *arena, const struct plan **plan,
                                     struct error *err);

/* The last place is that of who watches the server; the others are the workers'. */
enum { SNAPSHOT_READERS_MAX = 129, SNAPSHOT_WATCHER = SNAPSHOT_READERS_MAX - 1 };

struct snapshot_cell {
    _Atomic(struct snapshot *) current;
    struct snapshot_place {
        _Alignas(64) _Atomic(struct snapshot *) held; /* each reader writes its own cache line */
    } places[SNAPSHOT_READERS_MAX];
    struct snapshot *retired; /* the publisher's alone */
};

void snapshot_cell_init(struct snapshot_cell *cell);
/* When no reader is left. Frees all snapshots. */
void snapshot_cell_release(struct snapshot_cell *cell);
/* Publisher: takes ownership, and frees what nobody holds any more. */
void snapshot_publish(struct snapshot_cell *cell, struct snapshot *snapshot);
/* Publisher: frees what nobody holds any more. */
void snapshot_collect(struct snapshot_cell *cell);
/* Publisher: at that time, or later, there was no newer version than the current one. */
void snapshot_confirm(struct snapshot_cell *cell, int64_t monotonic_us);
/* Reader number `reader`, of one thread: the current snapshot, NULL before the first; stays valid
 * until let go. */
const struct snapshot *snapshot_take(struct snapshot_cell *cell, size_t reader);
void snapshot_let_go(struct snapshot_cell *cell, size_t reader);

#endif
