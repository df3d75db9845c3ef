/*
 * checkup.h - the checks of `larder doctor`, one after the other.
 *
 * Each looks with what those before it have found, writes what it sees into the diagnosis, and
 * leaves alone what others are to see: a store that is away hides nothing but itself. Nothing is
 * changed anywhere. checkup_*.c are the checks, by what they look at.
 */
#ifndef LARDER_CLI_CHECKUP_H
#define LARDER_CLI_CHECKUP_H

#include "cli/diagnosis.h"
#include "cli/options.h"
#include "config/repository.h"
#include "store/offline/offline_store.h"
#include "store/online/online_store.h"
#include "store/registry/registry.h"

struct checkup {
    const struct options *options;
    struct arena *arena;
    struct diagnosis *diagnosis;
    bool has_settings, has_definitions; /* the repository's, without a mistake */
    struct repository repository;
    struct offline_store *offline; /* NULL: away */
    struct examination offline_says;
    struct registry *registry; /* NULL: away */
    bool has_catalog;          /* something is applied */
    struct catalog catalog;
    struct online_store *online; /* NULL: away, or not to be opened since it would be made */
    struct examination online_says;
};

/* All of them, from an options, an arena and an empty diagnosis. */
void checkup_run(struct checkup *checkup);

/* In this order: */
void checkup_repository(struct checkup *checkup);
void checkup_offline_store(struct checkup *checkup);
void checkup_sources(struct checkup *checkup);
void checkup_transactions(struct checkup *checkup);
void checkup_registry(struct checkup *checkup);
void checkup_online_store(struct checkup *checkup);
void checkup_clocks(struct checkup *checkup);
void checkup_disks(struct checkup *checkup);
void checkup_feature_views(struct checkup *checkup);
void checkup_server(struct checkup *checkup);

/* For all of them: where a store is, as in larder.yaml; "12.3 MiB". */
const char *store_place(const struct store_settings *store, struct arena *arena);
const char *size_text(uint64_t bytes, struct arena *arena);

#endif
