/*
 * postgres_peer.h - several connections that see one snapshot: that of the store's transaction.
 *
 * The first is the store's own; the others are made here, and are gone when they are closed. For
 * what reads in several places at once: streams and joins. One thread opens and closes; between
 * that each peer belongs to one thread.
 */
#ifndef LARDER_STORE_OFFLINE_POSTGRES_PEER_H
#define LARDER_STORE_OFFLINE_POSTGRES_PEER_H

#include "store/offline/postgres_store.h"

struct postgres_peer {
    PGconn *connection;
    bool is_own;                          /* not the store's */
    PGcancel *cancel;                     /* as long as the peer, closed connection or not */
    struct postgres_canceller *canceller; /* of a connection of its own */
};

/* Inside postgres_begin_read: the store's own connection. */
void postgres_peer_init(struct postgres_peer *peer, struct postgres_store *store);
/* What the others share, in the arena. */
enum status postgres_snapshot_share(struct postgres_store *store, struct arena *arena,
                                    const char **snapshot, struct error *err);
/* *opened false: the server has no room for another, and those that are there will do. Once it is
 * opened it is the caller's to close, also on failure. */
enum status postgres_peer_open(struct postgres_peer *peer, struct postgres_store *store,
                               const char *snapshot, bool *opened, struct error *err);
/* A snapshot that nobody reads in any more would hold the owner's vacuum back: its connection is
 * closed at once, unless it is the store's. */
void postgres_peer_leave(struct postgres_peer *peer);
/* From any thread: what runs there fails soon. */
void postgres_peer_stop(const struct postgres_peer *peer);
void postgres_peer_close(struct postgres_peer *peer);

#endif
