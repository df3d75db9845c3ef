/*
 * postgres_asks.h - the rows that ask, numbered, in a temporary table: what a point-in-time join
 * joins to.
 *
 * Columns: n (the order of asking, from 1), at, and k0, k1, ... for the selection's keys. The table
 * is made in a transaction of its own, because the one that reads is READ ONLY; until finish that
 * one is open.
 */
#ifndef LARDER_STORE_OFFLINE_POSTGRES_ASKS_H
#define LARDER_STORE_OFFLINE_POSTGRES_ASKS_H

#include "store/offline/postgres_store.h"
#include "store/offline/postgres_upload.h"

struct postgres_asks {
    struct postgres_store *store;
    const struct selection *selection;
    const char *table; /* with its schema, as SQL; in the arena */
    bool is_made;      /* and committed */
    uint64_t count;
    int64_t first_us, last_us; /* of the times asked for */
    struct postgres_upload upload;
};

enum status postgres_asks_open(struct postgres_asks *asks, struct postgres_store *store,
                               const struct selection *selection, struct arena *arena,
                               struct error *err);
/* INVALID: a time outside the years 1 to 9999. */
enum status postgres_asks_add(struct postgres_asks *asks, const struct value *keys, int64_t at_us,
                              struct error *err);
enum status postgres_asks_finish(struct postgres_asks *asks, struct error *err);
/* What the column of a key of that type is. */
const char *postgres_asks_type(value_type type);
/* What row n asked of a view: "origin=JFK, asked at 2024-01-01T00:00:00.000000Z". */
const char *postgres_asks_text(const struct postgres_asks *asks, const struct selected_view *view,
                               uint64_t n, struct arena *arena);
/* Drops the table. Accepts one that is zeroed or half open. */
void postgres_asks_close(struct postgres_asks *asks);

#endif
