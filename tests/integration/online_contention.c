/* online_contention.c - see online_contention.h. */
#include "online_contention.h"

#include "base/entity_key.h"
#include "base/timestamp.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { KEYS = 300, VERSIONS = 40, ROWS = KEYS * VERSIONS, WRITERS = 3, BATCH_MAX = 500 };
enum { SHORT_MS = 4000, LONG_MS = 120 * 1000, KILL_AFTER_US = 30 * 1000 };

struct history {
    struct arena arena;
    struct online_write writes[ROWS]; /* row i is of key i % KEYS */
    struct bytes greatest[KEYS];
};

/* Times and positions of all magnitudes, so that any of their bytes may be the one that decides. */
static int64_t random_up_to(int64_t most)
{
    uint64_t number = 0;
    for (int i = 0; i < 8; i++)
        number = number << 8 | (uint64_t)(rand() & 0xff);
    return (int64_t)(number % (uint64_t)most >> rand() % 48);
}

static struct bytes random_row(struct arena *arena)
{
    struct row_layout layout;
    struct buffer row;
    struct value value = {.type = TYPE_INT64, .int64 = rand()};
    struct row_header header = {.event_time_us = random_up_to(TIMESTAMP_MAX) * (rand() % 2),
                                .created_time_us = random_up_to(TIMESTAMP_MAX) * (rand() % 2),
                                .position = random_up_to(INT64_MAX)};
    row_layout_init(&layout, (const value_type[]){TYPE_INT64}, 1, arena);
    buffer_init(&row, 0);
    assert_int_equal(row_pack(&layout, &header, &value, &row, NULL), STATUS_OK);
    struct bytes copy = arena_bytes(arena, buffer_bytes(&row));
    buffer_release(&row);
    return copy;
}

static struct bytes key_of(struct arena *arena, int64_t id)
{
    struct buffer key;
    struct value value = {.type = TYPE_INT64, .int64 = id};
    buffer_init(&key, 0);
    entity_key_begin(&key, 1, 1, &value, 1);
    entity_key_end(&key, 1, 0);
    struct bytes copy = arena_bytes(arena, buffer_bytes(&key));
    buffer_release(&key);
    return copy;
}

static void invent(struct history *history, unsigned seed)
{
    srand(seed);
    arena_reset(&history->arena);
    for (int i = 0; i < ROWS; i++) {
        struct bytes *greatest = &history->greatest[i % KEYS];
        struct bytes row = random_row(&history->arena);
        history->writes[i] = (struct online_write){key_of(&history->arena, i % KEYS), row, 0};
        if (i < KEYS || memcmp(row.data, greatest->data, ROW_TRIPLE_SIZE) > 0)
            *greatest = row;
    }
}

static void shuffle(struct online_write *writes)
{
    for (int i = ROWS - 1; i > 0; i--) {
        int other = rand() % (i + 1);
        struct online_write write = writes[i];
        writes[i] = writes[other];
        writes[other] = write;
    }
}

/* The whole life of a writer's process. */
_Noreturn static void write_all(struct history *history, const struct online_store_maker *maker,
                                unsigned seed)
{
    struct error err;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    struct online_store *store = maker->open(maker->context);
    srand(seed);
    shuffle(history->writes);
    for (int at = 0, size; at < ROWS; at += size) {
        size = 1 + rand() % BATCH_MAX;
        size = size < ROWS - at ? size : ROWS - at;
        if (online_store_write(store, history->writes + at, (size_t)size, NULL, 0, NULL, &err)) {
            fprintf(stderr, "writer: %s\n", err.message);
            _exit(1);
        }
    }
    _exit(0);
}

static pid_t start_writer(struct history *history, const struct online_store_maker *maker,
                          unsigned seed)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        write_all(history, maker, seed);
    return pid;
}

/* Kills one writer after another until the others are done; how many were still at work. */
static int kill_again_and_again(struct history *history, const struct online_store_maker *maker,
                                unsigned seed, const pid_t *others)
{
    int killed = 0;
    int others_left = WRITERS;
    bool is_done[WRITERS] = {false};
    while (others_left > 0) {
        int state;
        pid_t victim = start_writer(history, maker, seed++);
        usleep((useconds_t)(rand() % KILL_AFTER_US));
        kill(victim, SIGKILL);
        waitpid(victim, &state, 0);
        killed += WIFSIGNALED(state);
        for (int i = 0; i < WRITERS; i++)
            if (!is_done[i] && waitpid(others[i], &state, WNOHANG) == others[i]) {
                assert_true(WIFEXITED(state) && WEXITSTATUS(state) == 0);
                is_done[i] = true;
                others_left--;
            }
    }
    return killed;
}

static void check_greatest(struct history *history, const struct online_store_maker *maker,
                           unsigned seed)
{
    struct error err;
    struct bytes keys[KEYS], rows[KEYS];
    struct online_store *store = maker->open(maker->context);
    for (int i = 0; i < KEYS; i++)
        keys[i] = key_of(&history->arena, i);
    assert_int_equal(online_store_read(store, keys, KEYS, &history->arena, rows, &err), STATUS_OK);
    int wrong = 0;
    for (int i = 0; i < KEYS; i++)
        wrong += !bytes_equal(rows[i], history->greatest[i]);
    if (wrong > 0)
        fail_msg("%d of %d keys do not hold their greatest row (seed %u)", wrong, KEYS, seed);
    online_store_close(store);
}

static int contend_once(struct history *history, const struct online_store_maker *maker,
                        unsigned seed)
{
    pid_t writers[WRITERS];
    maker->clear(maker->context);
    invent(history, seed);
    for (unsigned i = 0; i < WRITERS; i++)
        writers[i] = start_writer(history, maker, seed * 1000 + i);
    int killed = kill_again_and_again(history, maker, seed * 1000 + WRITERS, writers);
    check_greatest(history, maker, seed);
    return killed;
}

void contend(const struct online_store_maker *maker)
{
    struct history *history = calloc(1, sizeof *history);
    arena_init(&history->arena, 0);
    const char *is_long = getenv("LARDER_LONG");
    int64_t lasts_ms = is_long && strcmp(is_long, "1") == 0 ? LONG_MS : SHORT_MS;
    int64_t end_us = timestamp_monotonic_us() + lasts_ms * 1000;
    int killed = 0, rounds = 0;
    for (unsigned seed = 1; timestamp_monotonic_us() < end_us; seed++, rounds++)
        killed += contend_once(history, maker, seed);
    print_message("%d rounds, %d writers killed\n", rounds, killed);
    assert_true(killed >= 3);
    arena_release(&history->arena);
    free(history);
}
