/*
 * redis_store.h - the parts of the Redis backend, which only they include.
 *
 * What stands in Redis, all in one database:
 *     the rows                          strings under the keys of base/entity_key.h
 *     larder:owner                      the owning registry's identity, 16 hexadecimal digits
 *     larder:catalog:<project>          a hash: identity, version, text
 *     larder:marks:<project id>         a hash: "<writer>/<view id>/<generation>" -> position
 */
#ifndef LARDER_STORE_ONLINE_REDIS_STORE_H
#define LARDER_STORE_ONLINE_REDIS_STORE_H

#include "store/online/online_store_backend.h"
#include "store/online/redis_connection.h"

enum { REDIS_SHA_SIZE = 40 };
#define REDIS_OWNER_KEY "larder:owner"
#define REDIS_CATALOG_PREFIX "larder:catalog:"

/* Lua for scripts: whether one decimal number without leading zeros is greater than another. They
 * are too long for Lua's own: the longer is the greater, and among equally long ones the first
 * other digit decides. */
#define REDIS_LUA_IS_GREATER                                                                       \
    "local function is_greater(new, old)\n"                                                        \
    "  if #new ~= #old then return #new > #old end\n"                                              \
    "  for i = 1, #new do\n"                                                                       \
    "    local x, y = string.byte(new, i), string.byte(old, i)\n"                                  \
    "    if x ~= y then return x > y end\n"                                                        \
    "  end\n"                                                                                      \
    "  return false\n"                                                                             \
    "end\n"

struct redis_store {
    struct online_store base;
    struct redis_connection *connection;
    struct arena arena;   /* the url, as long as the store */
    struct arena scratch; /* the answers of one step */
    /* The script that writes, by the name that Redis gives it; looked at again on each connection.
     */
    char script_sha[REDIS_SHA_SIZE + 1];
    uint64_t script_connection;
};

static inline struct redis_store *redis_store_of(struct online_store *store)
{
    return (struct redis_store *)store;
}

/* redis.c: which Redis this is, by an identity that it draws when it starts: asked on this
 * connection, which must have begun. */
enum { REDIS_RUN_ID_SIZE = 41 };
enum status redis_run_id(struct redis_connection *connection, char run_id[REDIS_RUN_ID_SIZE],
                         struct error *err);
/* What INFO says of a field, as text in `value`; false if it says nothing. */
bool redis_info_field(struct bytes info, const char *name, char *value, size_t size);

enum status redis_examine(struct online_store *store, struct arena *arena,
                          struct examination *examination, struct error *err);
/* CONFLICT: INFO says that it is too old for us. */
enum status redis_check_version(const struct redis_store *store, struct bytes info,
                                struct error *err);

enum status redis_write(struct online_store *store, const struct online_write *writes, size_t count,
                        const struct online_mark *marks, size_t mark_count,
                        enum row_outcome *outcomes, struct error *err);

/* Behind the rows, on the connection that has just acknowledged them. */
enum status redis_write_marks(struct redis_store *store, const struct online_mark *marks,
                              size_t count, struct error *err);
enum status redis_read_marks(struct online_store *store, const struct online_mark *marks,
                             size_t count, int64_t *positions, struct error *err);
/* Those of these rows, or of the whole project where rows is NULL. */
enum status redis_remove_marks(struct redis_store *store, uint32_t project_id,
                               const struct online_rows *rows, size_t count, struct error *err);

/* redis_scan.c: */

/* What MATCH takes for keys that begin and end so, whatever bytes these have. */
void redis_pattern_append(struct buffer *pattern, struct bytes begin, struct bytes end);
enum { REDIS_CURSOR_SIZE = 24 };
/* One SCAN from the cursor, which it moves: "0" is the beginning, and the end. A list, in the
 * arena. */
enum status redis_scan_step(struct redis_store *store, const struct buffer *pattern,
                            char cursor[REDIS_CURSOR_SIZE], struct arena *arena,
                            struct redis_reply **keys, struct error *err);
enum status redis_scan(struct online_store *store, const struct entity_key_ids *ids,
                       struct online_cursor *cursor, struct arena *arena, struct bytes **keys,
                       size_t *count, struct error *err);

enum status redis_owner(struct online_store *store, uint64_t *identity, struct error *err);
enum status redis_claim(struct online_store *store, uint64_t identity, bool take_over,
                        struct error *err);
enum status redis_release(struct online_store *base, uint64_t identity, struct error *err);
enum status redis_put_catalog(struct online_store *store, const char *project, uint64_t identity,
                              uint64_t version, struct bytes text, bool force, struct error *err);
enum status redis_get_catalog(struct online_store *store, const char *project, struct arena *arena,
                              struct bytes *text, struct error *err);
enum status redis_catalog_version(struct online_store *store, const char *project,
                                  uint64_t *identity, uint64_t *version, struct error *err);

enum status redis_remove(struct online_store *store, uint32_t project_id, const char *project,
                         const struct online_rows *rows, size_t count, uint64_t *removed,
                         struct error *err);

#endif
