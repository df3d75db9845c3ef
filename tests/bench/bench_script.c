/*
 * bench_script.c - what writing rows conditionally costs by itself: a small script, pipelined.
 *
 *     bench_script --port REDIS --rows N
 *
 * The script does the least that the rule of the greater row asks for: read what stands, compare
 * its 24 bytes, write with an expiry. It knows no floors, no formats and no outcomes. Keys and rows
 * are as Larder makes them for one int64 key and ten float64 features; they are packed before the
 * clock starts, so that the client takes no part in the time but sending. Prints one line of JSON.
 */
#include "base/entity_key.h"
#include "base/row.h"
#include "base/timestamp.h"
#include "tests/bench/arguments.h"
#include "tests/bench/latency.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FEATURES = 10, CALL_ROWS = 100, CALLS_IN_FLIGHT = 16 };

static const char script[] =
    "local byte = string.byte\n"
    "local olds = redis.call('MGET', unpack(KEYS))\n"
    "for i = 1, #KEYS do\n"
    "  local old, new, wins = olds[i], ARGV[2 * i - 1], true\n"
    "  if old then\n"
    "    wins = false\n"
    "    for at = 1, 24 do\n"
    "      local a, b = byte(new, at), byte(old, at)\n"
    "      if a ~= b then wins = a > b break end\n"
    "    end\n"
    "  end\n"
    "  if wins then redis.call('SET', KEYS[i], new, 'PXAT', ARGV[2 * i]) end\n"
    "end\n"
    "return 1\n";

/* All keys and rows, one behind the other, each key and each row of one size. */
struct rows {
    struct buffer keys, rows;
    size_t *key_ends;
    size_t row_size;
    size_t count;
    char expiry[24];
};

static void pack_row(struct rows *rows, const struct row_layout *layout, size_t i)
{
    struct value id = {.type = TYPE_INT64, .int64 = (int64_t)i + 1};
    struct value values[FEATURES];
    struct row_header header = {.event_time_us = timestamp_now(),
                                .created_time_us = TIMESTAMP_UNKNOWN,
                                .position = 1,
                                .schema = 1};
    struct error err;
    for (size_t f = 0; f < FEATURES; f++)
        values[f] = (struct value){.type = TYPE_FLOAT64, .float64 = (double)(i * FEATURES + f)};
    entity_key_begin(&rows->keys, 1, 1, &id, 1);
    entity_key_end(&rows->keys, 1, 1);
    rows->key_ends[i] = rows->keys.size;
    if (row_pack(layout, &header, values, &rows->rows, &err))
        die("%s", err.message);
}

static void make_rows(struct rows *rows, size_t count)
{
    value_type types[FEATURES];
    struct row_layout layout;
    struct arena arena;
    memset(types, TYPE_FLOAT64, sizeof types);
    arena_init(&arena, 0);
    row_layout_init(&layout, types, FEATURES, &arena);
    *rows = (struct rows){.count = count, .key_ends = calloc(count, sizeof *rows->key_ends)};
    if (!rows->key_ends)
        die("no memory");
    buffer_init(&rows->keys, 0);
    buffer_init(&rows->rows, 0);
    for (size_t i = 0; i < count; i++)
        pack_row(rows, &layout, i);
    rows->row_size = rows->rows.size / count;
    snprintf(rows->expiry, sizeof rows->expiry, "%lld",
             (long long)(timestamp_now() / 1000 + INT64_C(86400000)));
    arena_release(&arena);
}

static void send_call(redisContext *redis, const struct rows *rows, const char *sha, size_t first)
{
    const char *parts[3 + 3 * CALL_ROWS] = {"EVALSHA", sha};
    size_t sizes[3 + 3 * CALL_ROWS] = {7, strlen(sha)};
    size_t count = rows->count - first < CALL_ROWS ? rows->count - first : CALL_ROWS;
    char number[16];
    sizes[2] = (size_t)snprintf(number, sizeof number, "%zu", count);
    parts[2] = number;
    for (size_t i = 0; i < count; i++) {
        size_t start = first + i ? rows->key_ends[first + i - 1] : 0;
        size_t argument = 3 + count + 2 * i;
        parts[3 + i] = (const char *)rows->keys.data + start;
        sizes[3 + i] = rows->key_ends[first + i] - start;
        parts[argument] = (const char *)rows->rows.data + (first + i) * rows->row_size;
        sizes[argument] = rows->row_size;
        parts[argument + 1] = rows->expiry;
        sizes[argument + 1] = strlen(rows->expiry);
    }
    redisAppendCommandArgv(redis, (int)(3 + 3 * count), parts, sizes);
}

static void take_answer(redisContext *redis)
{
    void *answer;
    if (redisGetReply(redis, &answer) != REDIS_OK)
        die("Redis: %s", redis->errstr);
    redisReply *reply = answer;
    if (reply->type == REDIS_REPLY_ERROR)
        die("Redis: %s", reply->str);
    freeReplyObject(reply);
}

static void write_rows(redisContext *redis, const struct rows *rows, const char *sha)
{
    size_t calls = (rows->count + CALL_ROWS - 1) / CALL_ROWS, sent = 0;
    for (size_t answered = 0; answered < calls; answered++) {
        for (; sent < calls && sent < answered + CALLS_IN_FLIGHT; sent++)
            send_call(redis, rows, sha, sent * CALL_ROWS);
        take_answer(redis);
    }
}

int main(int count, char **words)
{
    struct rows rows;
    make_rows(&rows, (size_t)argument_number(count, words, "rows", NULL));
    redisContext *redis =
        redisConnect("127.0.0.1", (int)argument_number(count, words, "port", NULL));
    if (!redis || redis->err)
        die("Redis: %s", redis ? redis->errstr : "no memory");
    redisReply *sha = redisCommand(redis, "SCRIPT LOAD %s", script);
    if (!sha || sha->type != REDIS_REPLY_STRING)
        die("Redis: %s", sha ? sha->str : redis->errstr);
    int64_t start_ns = latency_now_ns();
    write_rows(redis, &rows, sha->str);
    double seconds = (double)(latency_now_ns() - start_ns) / 1e9;
    printf("{\"rows\": %zu, \"seconds\": %.6f}\n", rows.count, seconds);
    freeReplyObject(sha);
    redisFree(redis);
    buffer_release(&rows.keys);
    buffer_release(&rows.rows);
    free(rows.key_ends);
    return EXIT_SUCCESS;
}
