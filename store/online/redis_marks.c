/* redis_marks.c - how far each writer has come with each view: see redis_store.h. */
#include "store/online/redis_store.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

enum { NAME_SIZE = 128, RUN_MARKS = 500 };

/* ARGV: a mark's name and position, for each mark. */
static const char mark_script[] =
    REDIS_LUA_IS_GREATER "for i = 1, #ARGV, 2 do\n"
                         "  local old = redis.call('HGET', KEYS[1], ARGV[i])\n"
                         "  if not old or is_greater(ARGV[i + 1], old) then\n"
                         "    redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])\n"
                         "  end\n"
                         "end\n"
                         "return 1\n";

static void name_project(uint32_t project_id, char name[NAME_SIZE])
{
    snprintf(name, NAME_SIZE, "larder:marks:%" PRIu32, project_id);
}

static void name_mark(const struct online_mark *mark, char name[NAME_SIZE])
{
    int size = snprintf(name, NAME_SIZE, "%s/%" PRIu32 "/%" PRIu32, mark->writer, mark->view_id,
                        mark->generation);
    assert(size > 0 && size < NAME_SIZE);
    (void)size;
}

/* How many of the marks, from the first on, one command takes: those of one project. */
static size_t measure_run(const struct online_mark *marks, size_t count)
{
    size_t size = 1;
    while (size < count && size < RUN_MARKS && marks[size].project_id == marks[0].project_id)
        size++;
    return size;
}

static void send_marks(struct redis_connection *connection, const struct online_mark *marks,
                       size_t count)
{
    char name[NAME_SIZE];
    name_project(marks[0].project_id, name);
    redis_command(connection, 4 + 2 * count);
    redis_command_text(connection, "EVAL");
    redis_command_text(connection, mark_script);
    redis_command_text(connection, "1");
    redis_command_text(connection, name);
    for (size_t i = 0; i < count; i++) {
        name_mark(&marks[i], name);
        redis_command_text(connection, name);
        redis_command_number(connection, (uint64_t)marks[i].position);
    }
}

enum status redis_write_marks(struct redis_store *store, const struct online_mark *marks,
                              size_t count, struct error *err)
{
    enum status status = STATUS_OK;
    for (size_t at = 0, size; !status && at < count; at += size) {
        struct redis_reply *reply;
        size = measure_run(marks + at, count - at);
        redis_connection_renew(store->connection);
        arena_reset(&store->scratch);
        send_marks(store->connection, marks + at, size);
        status = redis_receive_type(store->connection, REPLY_INTEGER, &store->scratch, &reply, err);
    }
    return status;
}

static void ask_for_marks(struct redis_connection *connection, const struct online_mark *marks,
                          size_t count)
{
    char name[NAME_SIZE];
    name_project(marks[0].project_id, name);
    redis_command(connection, 2 + count);
    redis_command_text(connection, "HMGET");
    redis_command_text(connection, name);
    for (size_t i = 0; i < count; i++) {
        name_mark(&marks[i], name);
        redis_command_text(connection, name);
    }
}

/* false where it is no position that we would have written. */
static bool parse_position(const struct redis_reply *reply, int64_t *position)
{
    *position = 0;
    if (reply->type == REPLY_NIL)
        return true;
    if (reply->type != REPLY_TEXT || reply->text.size == 0)
        return false;
    const char *digits = reply->text.data;
    for (size_t i = 0; i < reply->text.size; i++)
        if (digits[i] < '0' || digits[i] > '9' || __builtin_mul_overflow(*position, 10, position) ||
            __builtin_add_overflow(*position, digits[i] - '0', position))
            return false;
    return true;
}

static enum status take_marks(const struct redis_connection *connection,
                              const struct redis_reply *reply, int64_t *positions, size_t count,
                              struct error *err)
{
    if (reply->count != count)
        return redis_strange_answer(connection, err);
    for (size_t i = 0; i < count; i++)
        if (!parse_position(&reply->elements[i], &positions[i]))
            return fail(err, STATUS_CORRUPT, "%s: a mark there holds no position",
                        redis_connection_place(connection));
    return STATUS_OK;
}

enum status redis_read_marks(struct online_store *base, const struct online_mark *marks,
                             size_t count, int64_t *positions, struct error *err)
{
    struct redis_store *store = redis_store_of(base);
    struct redis_connection *connection = store->connection;
    enum status status = redis_connection_begin(connection, err);
    for (size_t at = 0, size; !status && at < count; at += size) {
        struct redis_reply *reply;
        size = measure_run(marks + at, count - at);
        arena_reset(&store->scratch);
        ask_for_marks(connection, marks + at, size);
        status = redis_receive_type(connection, REPLY_LIST, &store->scratch, &reply, err);
        if (!status)
            status = take_marks(connection, reply, positions + at, size, err);
    }
    return status;
}

/* "writer/view id/generation": a writer's name holds no slash. */
static bool is_of(struct bytes name, const struct online_rows *rows, size_t count)
{
    const char *slash = memchr(name.data, '/', name.size);
    if (!slash)
        return false;
    size_t left = name.size - (size_t)(slash + 1 - (const char *)name.data);
    for (size_t i = 0; i < count; i++) {
        char part[32];
        size_t size = (size_t)snprintf(part, sizeof part, "%" PRIu32 "/", rows[i].view_id);
        bool every = rows[i].generation == 0;
        if (!every)
            size +=
                (size_t)snprintf(part + size, sizeof part - size, "%" PRIu32, rows[i].generation);
        if ((every ? size <= left : size == left) && memcmp(slash + 1, part, size) == 0)
            return true;
    }
    return false;
}

static enum status remove_some(struct redis_store *store, const char *key,
                               const struct redis_reply *names, const struct online_rows *rows,
                               size_t count, struct error *err)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; !status && i < names->count; i++) {
        const struct redis_reply *name = &names->elements[i];
        if (name->type != REPLY_TEXT || !is_of(name->text, rows, count))
            continue;
        struct redis_reply *reply;
        redis_connection_renew(store->connection);
        redis_command(store->connection, 3);
        redis_command_text(store->connection, "HDEL");
        redis_command_text(store->connection, key);
        redis_command_bytes(store->connection, name->text);
        status = redis_receive_type(store->connection, REPLY_INTEGER, &store->scratch, &reply, err);
    }
    return status;
}

enum status redis_remove_marks(struct redis_store *store, uint32_t project_id,
                               const struct online_rows *rows, size_t count, struct error *err)
{
    char key[NAME_SIZE];
    struct redis_reply *reply;
    name_project(project_id, key);
    arena_reset(&store->scratch);
    redis_connection_renew(store->connection);
    redis_command_of(store->connection, (const char *const[]){rows ? "HKEYS" : "UNLINK", key}, 2);
    enum status status = redis_receive_type(store->connection, rows ? REPLY_LIST : REPLY_INTEGER,
                                            &store->scratch, &reply, err);
    if (!status && rows)
        status = remove_some(store, key, reply, rows, count, err);
    return status;
}
