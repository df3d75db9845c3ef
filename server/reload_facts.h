/*
 * reload_facts.h - what the thread that keeps the definitions current has found, for those who
 * watch the server: said by that thread after each of its looks, read by any other.
 *
 * Behind a lock, because nobody who answers requests looks here.
 */
#ifndef LARDER_SERVER_RELOAD_FACTS_H
#define LARDER_SERVER_RELOAD_FACTS_H

#include "config/definitions.h"
#include "store/registry/registry.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RELOAD_REBUILDS_NAMED = 16 };

struct reload_facts {
    bool is_loaded;            /* definitions are served */
    bool is_removed;           /* they were, and their project was removed since */
    bool is_unknown;           /* the registry is there, and does not have the project */
    bool is_registry_away;     /* it cannot be read: definitions stay as they are */
    bool is_from_online_store; /* what is served was read there */
    uint64_t version;          /* of what is served; 0: of nothing */
    /* Views whose rows are to be made anew, beside those that are served, as of the last time that
     * the registry could be asked: how many, and the names of the first. */
    size_t rebuild_count;
    char rebuilds[RELOAD_REBUILDS_NAMED][NAME_SIZE_MAX + 1];
};

/* The views of the catalog that have a pending generation and are served. */
void reload_facts_count_rebuilds(struct reload_facts *facts, const struct catalog *catalog,
                                 const struct view_state *states);

struct reload_notice_board {
    pthread_mutex_t lock;
    struct reload_facts facts;
};

void reload_facts_tell(struct reload_notice_board *board, const struct reload_facts *facts);
void reload_facts_read(struct reload_notice_board *board, struct reload_facts *facts);

#endif
