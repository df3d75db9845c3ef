/* postgres_peer.c - see postgres_peer.h. */
#include "store/offline/postgres_peer.h"

#include "store/offline/postgres_canceller.h"

static enum status join_snapshot(PGconn *connection, const char *snapshot, struct error *err)
{
    struct buffer sql;
    buffer_init(&sql, 0);
    buffer_append_text(&sql, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;"
                             "SET TRANSACTION SNAPSHOT ");
    postgres_append_literal(connection, &sql, snapshot);
    buffer_append_byte(&sql, 0);
    enum status status =
        postgres_run(connection, "sharing a snapshot", (const char *)sql.data, err);
    buffer_release(&sql);
    return status;
}

static void watch(struct postgres_store *store, struct postgres_peer *peer)
{
    peer->cancel = PQgetCancel(peer->connection);
    if (!peer->is_own || !store->stop)
        return;
    peer->canceller = postgres_canceller_open(store->stop);
    postgres_canceller_aim(peer->canceller, peer->connection);
}

void postgres_peer_init(struct postgres_peer *peer, struct postgres_store *store)
{
    *peer = (struct postgres_peer){.connection = store->connection};
    watch(store, peer);
}

enum status postgres_snapshot_share(struct postgres_store *store, struct arena *arena,
                                    const char **snapshot, struct error *err)
{
    PGresult *exported = NULL;
    enum status status = postgres_query(store->connection, "sharing a snapshot",
                                        "SELECT pg_export_snapshot()", 0, NULL, &exported, err);
    if (!status)
        *snapshot = arena_text(arena, PQgetvalue(exported, 0, 0));
    PQclear(exported);
    return status;
}

enum status postgres_peer_open(struct postgres_peer *peer, struct postgres_store *store,
                               const char *snapshot, bool *opened, struct error *err)
{
    PGconn *connection = NULL;
    *opened = !postgres_connect(store->url, store->timeout_ms, &connection, NULL);
    if (!*opened) {
        PQfinish(connection);
        return STATUS_OK;
    }
    *peer = (struct postgres_peer){.connection = connection, .is_own = true};
    watch(store, peer);
    return join_snapshot(connection, snapshot, err);
}

void postgres_peer_leave(struct postgres_peer *peer)
{
    postgres_canceller_close(peer->canceller);
    peer->canceller = NULL;
    if (peer->is_own)
        PQfinish(peer->connection);
    peer->is_own = false;
}

void postgres_peer_stop(const struct postgres_peer *peer)
{
    char words[256]; /* why it could not be asked: nobody could do anything about it */
    if (peer->cancel)
        PQcancel(peer->cancel, words, sizeof words);
}

void postgres_peer_close(struct postgres_peer *peer)
{
    postgres_peer_leave(peer);
    PQfreeCancel(peer->cancel);
    *peer = (struct postgres_peer){0};
}
