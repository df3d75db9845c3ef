/* redis_owner.c - whose store it is, and the definitions kept there: see redis_store.h. */
#include "store/online/redis_store.h"

#include <inttypes.h>
#include <stdio.h>

enum { HEX_SIZE = 17, DECIMAL_SIZE = 21 };

/* KEYS: the catalog's hash. ARGV: identity, version, text, "1" to force. Answers "kept", "put" or,
 * where another registry put it, "foreign". */
static const char catalog_script[] = REDIS_LUA_IS_GREATER
    "local old = redis.call('HMGET', KEYS[1], 'identity', 'version')\n"
    "if old[1] and ARGV[4] ~= '1' then\n"
    "  if old[1] ~= ARGV[1] then return 'foreign' end\n"
    "  if old[2] and not is_greater(ARGV[2], old[2]) then return 'kept' end\n"
    "end\n"
    "redis.call('HSET', KEYS[1], 'identity', ARGV[1], 'version', ARGV[2], 'text', ARGV[3])\n"
    "return 'put'\n";

static bool parse_identity(const struct redis_reply *reply, uint64_t *identity)
{
    *identity = 0;
    if (reply->type == REPLY_NIL)
        return true;
    if (reply->type != REPLY_TEXT || reply->text.size != HEX_SIZE - 1)
        return false;
    const char *digits = reply->text.data;
    for (size_t i = 0; i < reply->text.size; i++) {
        static const char hex[] = "0123456789abcdef";
        const char *found = memchr(hex, digits[i], sizeof hex - 1);
        if (!found)
            return false;
        *identity = *identity << 4 | (uint64_t)(found - hex);
    }
    return *identity != 0;
}

/* Begins no call: that was done. */
static enum status read_owner(struct redis_store *store, uint64_t *identity, struct error *err)
{
    struct redis_reply *reply;
    redis_command_of(store->connection, (const char *const[]){"GET", REDIS_OWNER_KEY}, 2);
    enum status status = redis_receive(store->connection, &store->scratch, &reply, err);
    if (status)
        return status;
    if (reply->type == REPLY_ERROR)
        return redis_expect(store->connection, reply, REPLY_TEXT, err);
    if (!parse_identity(reply, identity))
        return fail(err, STATUS_CORRUPT, "%s: %s holds no registry's identity",
                    redis_connection_place(store->connection), REDIS_OWNER_KEY);
    return STATUS_OK;
}

enum status redis_owner(struct online_store *base, uint64_t *identity, struct error *err)
{
    struct redis_store *store = redis_store_of(base);
    arena_reset(&store->scratch);
    enum status status = redis_connection_begin(store->connection, err);
    return status ? status : read_owner(store, identity, err);
}

static enum status take_over_now(struct redis_store *store, const char *hex, struct error *err)
{
    struct redis_reply *reply;
    redis_command_of(store->connection, (const char *const[]){"SET", REDIS_OWNER_KEY, hex}, 3);
    return redis_receive_type(store->connection, REPLY_STATUS, &store->scratch, &reply, err);
}

/* SET NX decides between registries that claim at the same time; the answer is read back. */
static enum status claim_if_free(struct redis_store *store, const char *hex, uint64_t identity,
                                 struct error *err)
{
    struct redis_reply *reply;
    uint64_t owner;
    redis_command_of(store->connection, (const char *const[]){"SET", REDIS_OWNER_KEY, hex, "NX"},
                     4);
    enum status status = redis_receive(store->connection, &store->scratch, &reply, err);
    if (!status && reply->type == REPLY_ERROR)
        status = redis_expect(store->connection, reply, REPLY_STATUS, err);
    if (!status)
        status = read_owner(store, &owner, err);
    if (status || owner == identity)
        return status;
    return fail(err, STATUS_CONFLICT,
                "%s belongs to another registry (%016" PRIx64 "): --take-over makes it ours and "
                "fills it anew",
                redis_connection_place(store->connection), owner);
}

enum status redis_claim(struct online_store *base, uint64_t identity, bool take_over,
                        struct error *err)
{
    struct redis_store *store = redis_store_of(base);
    char hex[HEX_SIZE];
    snprintf(hex, sizeof hex, "%016" PRIx64, identity);
    arena_reset(&store->scratch);
    enum status status = redis_connection_begin(store->connection, err);
    if (status)
        return status;
    return take_over ? take_over_now(store, hex, err) : claim_if_free(store, hex, identity, err);
}

enum status redis_release(struct online_store *base, uint64_t identity, struct error *err)
{
    static const char script[] = "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end\n"
                                 "return redis.call('DEL', KEYS[1])\n";
    struct redis_store *store = redis_store_of(base);
    struct redis_reply *reply;
    char hex[HEX_SIZE];
    snprintf(hex, sizeof hex, "%016" PRIx64, identity);
    arena_reset(&store->scratch);
    enum status status = redis_connection_begin(store->connection, err);
    if (status)
        return status;
    redis_command_of(store->connection,
                     (const char *const[]){"EVAL", script, "1", REDIS_OWNER_KEY, hex}, 5);
    return redis_receive_type(store->connection, REPLY_INTEGER, &store->scratch, &reply, err);
}

static const char *catalog_key(struct redis_store *store, const char *project)
{
    return arena_printf(&store->scratch, REDIS_CATALOG_PREFIX "%s", project);
}

enum status redis_put_catalog(struct online_store *base, const char *project, uint64_t identity,
                              uint64_t version, struct bytes text, bool force, struct error *err)
{
    struct redis_store *store = redis_store_of(base);
    struct redis_connection *connection = store->connection;
    char hex[HEX_SIZE];
    snprintf(hex, sizeof hex, "%016" PRIx64, identity);
    arena_reset(&store->scratch);
    enum status status = redis_connection_begin(connection, err);
    if (status)
        return status;
    redis_command(connection, 8);
    redis_command_text(connection, "EVAL");
    redis_command_text(connection, catalog_script);
    redis_command_text(connection, "1");
    redis_command_text(connection, catalog_key(store, project));
    redis_command_text(connection, hex);
    redis_command_number(connection, version);
    redis_command_bytes(connection, text);
    redis_command_text(connection, force ? "1" : "0");
    struct redis_reply *reply;
    status = redis_receive_type(connection, REPLY_TEXT, &store->scratch, &reply, err);
    if (!status && bytes_equal(reply->text, bytes_of_text("foreign")))
        return fail(err, STATUS_CONFLICT,
                    "%s holds the definitions of project %s from another registry: --take-over "
                    "replaces them",
                    redis_connection_place(connection), project);
    return status;
}

enum status redis_get_catalog(struct online_store *base, const char *project, struct arena *arena,
                              struct bytes *text, struct error *err)
{
    struct redis_store *store = redis_store_of(base);
    struct redis_connection *connection = store->connection;
    struct redis_reply *reply;
    arena_reset(&store->scratch);
    enum status status = redis_connection_begin(connection, err);
    if (status)
        return status;
    redis_command_of(connection, (const char *const[]){"HGET", catalog_key(store, project), "text"},
                     3);
    status = redis_receive(connection, arena, &reply, err);
    if (!status && reply->type != REPLY_NIL)
        status = redis_expect(connection, reply, REPLY_TEXT, err);
    if (!status)
        *text = reply->text;
    return status;
}

static bool parse_version(const struct redis_reply *reply, uint64_t *version)
{
    *version = 0;
    if (reply->type != REPLY_TEXT || reply->text.size == 0 || reply->text.size >= DECIMAL_SIZE)
        return false;
    const char *digits = reply->text.data;
    for (size_t i = 0; i < reply->text.size; i++)
        if (digits[i] < '0' || digits[i] > '9' || __builtin_mul_overflow(*version, 10, version) ||
            __builtin_add_overflow(*version, (uint64_t)(digits[i] - '0'), version))
            return false;
    return true;
}

enum status redis_catalog_version(struct online_store *base, const char *project,
                                  uint64_t *identity, uint64_t *version, struct error *err)
{
    struct redis_store *store = redis_store_of(base);
    struct redis_connection *connection = store->connection;
    struct redis_reply *reply;
    arena_reset(&store->scratch);
    enum status status = redis_connection_begin(connection, err);
    if (status)
        return status;
    const char *words[] = {"HMGET", catalog_key(store, project), "identity", "version"};
    redis_command_of(connection, words, COUNT_OF(words));
    status = redis_receive_type(connection, REPLY_LIST, &store->scratch, &reply, err);
    if (!status && reply->count != 2)
        status = redis_strange_answer(connection, err);
    if (status)
        return status;
    *version = 0;
    if (!parse_identity(&reply->elements[0], identity) ||
        (*identity && !parse_version(&reply->elements[1], version)))
        return fail(err, STATUS_CORRUPT, "%s: %s holds no catalog",
                    redis_connection_place(connection), words[1]);
    return STATUS_OK;
}
