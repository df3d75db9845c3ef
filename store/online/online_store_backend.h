/*
 * online_store_backend.h - what a backend of the online store provides.
 *
 * One static const table, no slot NULL. Each slot means what its namesake in online_store.h says;
 * online_store.c has then looked at the arguments: counts are at least 1 (a write may have rows,
 * marks or both), keys and rows are within their limits, and what to remove is sorted; outcomes may
 * be NULL, and are ROW_UNKNOWN before a write. A backend's handle begins with a struct
 * online_store, whose ops it sets.
 */
#ifndef LARDER_STORE_ONLINE_ONLINE_STORE_BACKEND_H
#define LARDER_STORE_ONLINE_ONLINE_STORE_BACKEND_H

#include "base/buffer.h"
#include "store/online/online_store.h"

struct online_store_ops {
    const char *type; /* as online_store.type names it */
    enum status (*open)(const struct settings *settings, struct online_store **store,
                        struct error *err);
    void (*close)(struct online_store *store);
    enum status (*read)(struct online_store *store, const struct bytes *keys, size_t count,
                        struct arena *arena, struct bytes *rows, struct error *err);
    void (*let_go)(struct online_store *store);
    enum status (*scan)(struct online_store *store, const struct entity_key_ids *ids,
                        struct online_cursor *cursor, struct arena *arena, struct bytes **keys,
                        size_t *count, struct error *err);
    enum status (*write)(struct online_store *store, const struct online_write *writes,
                         size_t count, const struct online_mark *marks, size_t mark_count,
                         enum row_outcome *outcomes, struct error *err);
    enum status (*read_marks)(struct online_store *store, const struct online_mark *marks,
                              size_t count, int64_t *positions, struct error *err);
    enum status (*owner)(struct online_store *store, uint64_t *identity, struct error *err);
    enum status (*claim)(struct online_store *store, uint64_t identity, bool take_over,
                         struct error *err);
    enum status (*release)(struct online_store *store, uint64_t identity, struct error *err);
    enum status (*put_catalog)(struct online_store *store, const char *project, uint64_t identity,
                               uint64_t version, struct bytes text, bool force, struct error *err);
    enum status (*get_catalog)(struct online_store *store, const char *project, struct arena *arena,
                               struct bytes *text, struct error *err);
    enum status (*catalog_version)(struct online_store *store, const char *project,
                                   uint64_t *identity, uint64_t *version, struct error *err);
    enum status (*remove)(struct online_store *store, uint32_t project_id, const char *project,
                          const struct online_rows *rows, size_t count, uint64_t *removed,
                          struct error *err);
    enum status (*inspect)(struct online_store *store, struct online_info *info, struct error *err);
    enum status (*examine)(struct online_store *store, struct arena *arena,
                           struct examination *examination, struct error *err);
    enum status (*ping)(struct online_store *store, struct error *err);
};

struct online_store {
    const struct online_store_ops *ops;
};

/* Whether a generation of a view is among rows, which are sorted; any is where rows is NULL. */
bool online_rows_include(const struct online_rows *rows, size_t count, uint32_t view_id,
                         uint32_t generation);

/* Whether a stored key is one of a walk's. */
bool online_key_is_of(struct bytes key, const struct entity_key_ids *ids);
/* What all keys of a walk begin with. */
void online_key_prefix(const struct entity_key_ids *ids, struct buffer *prefix);

extern const struct online_store_ops redis_online_store;
extern const struct online_store_ops lmdb_online_store;

#endif
