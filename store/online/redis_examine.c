/* redis_examine.c - what Redis says of itself that may cost rows, or refuses them. */
#include "store/online/redis_store.h"

#include "base/timestamp.h"

#include <stdio.h>
#include <stdlib.h>

enum { FIELD_SIZE = 64 };

struct redis_examination {
    struct redis_store *store;
    const char *place; /* "redis localhost:6379" */
    struct bytes info; /* what INFO says, in the arena */
    struct arena *arena;
    struct examination *examination;
};

static void find(const struct redis_examination *r, enum finding_kind kind, const char *text)
{
    findings_add(&r->examination->findings, r->arena, kind,
                 arena_printf(r->arena, "%s %s", r->place, text));
}

/* The field's value, or "" where INFO does not have it. */
static const char *field(const struct redis_examination *r, const char *name)
{
    char value[FIELD_SIZE];
    return redis_info_field(r->info, name, value, sizeof value) ? arena_text(r->arena, value) : "";
}

static bool field_is(const struct redis_examination *r, const char *name, const char *value)
{
    return strcmp(field(r, name), value) == 0;
}

static enum status ask_clock(const struct redis_examination *r, struct error *err)
{
    struct redis_reply *reply;
    int64_t asked_us = timestamp_now();
    redis_command_of(r->store->connection, (const char *const[]){"TIME"}, 1);
    enum status status =
        redis_receive_type(r->store->connection, REPLY_LIST, r->arena, &reply, err);
    if (status)
        return status;
    if (reply->count != 2 || reply->elements[0].type != REPLY_TEXT ||
        reply->elements[1].type != REPLY_TEXT)
        return redis_strange_answer(r->store->connection, err);
    int64_t seconds = strtoll(arena_text_of(r->arena, reply->elements[0].text), NULL, 10);
    int64_t rest_us = strtoll(arena_text_of(r->arena, reply->elements[1].text), NULL, 10);
    if (seconds < 0 || seconds > TIMESTAMP_MAX / 1000000)
        return redis_strange_answer(r->store->connection, err);
    examination_set_clock(r->examination, seconds * 1000000 + rest_us, asked_us);
    return STATUS_OK;
}

/* Whether it is told to write snapshots. Where CONFIG is forbidden, nobody knows. */
static enum status ask_snapshots(const struct redis_examination *r, bool *known, bool *snapshots,
                                 struct error *err)
{
    struct redis_reply *reply;
    redis_command_of(r->store->connection, (const char *const[]){"CONFIG", "GET", "save"}, 3);
    enum status status = redis_receive(r->store->connection, r->arena, &reply, err);
    if (status)
        return status;
    *known =
        reply->type == REPLY_LIST && reply->count == 2 && reply->elements[1].type == REPLY_TEXT;
    *snapshots = *known && reply->elements[1].text.size > 0;
    return STATUS_OK;
}

static void look_at_server(const struct redis_examination *r)
{
    struct error err;
    if (redis_check_version(r->store, r->info, &err))
        findings_add(&r->examination->findings, r->arena, FINDING_ERROR, err.message);
    if (field_is(r, "cluster_enabled", "1"))
        find(r, FINDING_ERROR,
             "is a Redis Cluster, which is not supported yet: name one that is none");
    if (field_is(r, "role", "slave"))
        find(r, FINDING_ERROR, "is a replica: online_store.url should name the primary");
}

static void look_at_memory(const struct redis_examination *r)
{
    const char *policy = field(r, "maxmemory_policy");
    r->examination->used_bytes = strtoull(field(r, "used_memory"), NULL, 10);
    r->examination->limit_bytes = strtoull(field(r, "maxmemory"), NULL, 10);
    if (*policy && strcmp(policy, "noeviction") != 0)
        find(r, FINDING_ERROR,
             arena_printf(r->arena,
                          "drops rows silently when it is full (its maxmemory-policy is %s); run "
                          "there: CONFIG SET maxmemory-policy noeviction, and set it in redis.conf",
                          policy));
}

static enum status look_at_disk(const struct redis_examination *r, struct error *err)
{
    bool known, snapshots;
    bool appends = field_is(r, "aof_enabled", "1");
    enum status status = ask_snapshots(r, &known, &snapshots, err);
    if (status)
        return status;
    if (field_is(r, "rdb_last_bgsave_status", "err") ||
        (appends && field_is(r, "aof_last_write_status", "err")))
        find(r, FINDING_ERROR,
             "could not write to its disk, and may refuse all writes until it can: its log "
             "says why");
    if (known && !snapshots && !appends)
        find(r, FINDING_HINT,
             "keeps nothing on disk: after a restart every entity is NOT_FOUND until the next "
             "larder materialize; appendonly yes in redis.conf keeps the rows");
    return STATUS_OK;
}

enum status redis_examine(struct online_store *base, struct arena *arena,
                          struct examination *examination, struct error *err)
{
    struct redis_store *store = redis_store_of(base);
    struct redis_examination r = {
        store, redis_connection_place(store->connection), {0}, arena, examination};
    struct redis_reply *reply;
    enum status status = redis_connection_begin(store->connection, err);
    if (status)
        return status;
    redis_command_of(store->connection, (const char *const[]){"INFO"}, 1);
    status = redis_receive_type(store->connection, REPLY_TEXT, arena, &reply, err);
    if (status)
        return status;
    r.info = reply->text;
    examination->version = arena_printf(arena, "redis %s", field(&r, "redis_version"));
    look_at_server(&r);
    look_at_memory(&r);
    status = look_at_disk(&r, err);
    return status ? status : ask_clock(&r, err);
}
