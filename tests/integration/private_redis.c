/* private_redis.c - see private_redis.h. */
#include "private_redis.h"

#include "base/timestamp.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OPTIONS_MAX = 32, START_US = 10 * 1000 * 1000, COMMAND_TIMEOUT_MS = 10000 };

_Noreturn static void give_up(const char *what)
{
    fprintf(stderr, "private redis: %s\n", what);
    abort();
}

static void run_server(const struct private_redis *redis)
{
    char socket_path[128];
    snprintf(socket_path, sizeof socket_path, "%s/redis.sock", redis->directory);
    const char *arguments[OPTIONS_MAX] = {
        "redis-server", "--port", "0",     "--unixsocket",   socket_path,  "--save", "",
        "--appendonly", "no",     "--dir", redis->directory, "--loglevel", "warning"};
    size_t count = 13;
    for (const char *const *option = redis->options; option && *option; option++)
        if (count < OPTIONS_MAX - 1)
            arguments[count++] = *option;
    for (const char *const *variable = redis->environment; variable && *variable; variable++)
        putenv((char *)*variable);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    freopen("/dev/null", "w", stdout);
    execvp(arguments[0], (char **)arguments);
    _exit(127);
}

static void wait_until_it_answers(const struct private_redis *redis)
{
    struct online_store *store = store_on(redis->url, 1000);
    int64_t give_up_us = timestamp_monotonic_us() + START_US;
    while (online_store_ping(store, NULL)) {
        if (timestamp_monotonic_us() > give_up_us)
            give_up("it does not answer; is redis-server installed?");
        usleep(5000);
        /* A new handle tries at once, where an old one waits between its attempts. */
        online_store_close(store);
        store = store_on(redis->url, 1000);
    }
    online_store_close(store);
}

void private_redis_launch(struct private_redis *redis)
{
    redis->pid = fork();
    if (redis->pid < 0)
        give_up("cannot fork");
    if (redis->pid == 0)
        run_server(redis);
    wait_until_it_answers(redis);
}

void private_redis_start(struct private_redis *redis, const char *const *options,
                         const char *const *environment)
{
    *redis = (struct private_redis){
        .directory = "/tmp/larder-redis-XXXXXX", .options = options, .environment = environment};
    if (!mkdtemp(redis->directory))
        give_up("cannot make a directory");
    snprintf(redis->url, sizeof redis->url, "unix://%s/redis.sock", redis->directory);
    private_redis_launch(redis);
}

void private_redis_kill(struct private_redis *redis)
{
    kill(redis->pid, SIGKILL);
    waitpid(redis->pid, NULL, 0);
}

void private_redis_stop(struct private_redis *redis)
{
    private_redis_kill(redis);
    char socket_path[128];
    snprintf(socket_path, sizeof socket_path, "%s/redis.sock", redis->directory);
    unlink(socket_path);
    rmdir(redis->directory);
}

struct settings settings_of(const char *url, uint32_t timeout_ms)
{
    return (struct settings){
        .online_store = {.type = "redis", .url = url, .timeout_ms = timeout_ms}};
}

struct online_store *store_on(const char *url, uint32_t timeout_ms)
{
    struct settings settings = settings_of(url, timeout_ms);
    struct online_store *store;
    struct error err;
    if (online_store_open(&settings, &store, &err))
        give_up(err.message);
    return store;
}

int64_t redis_says_of(const char *url, const char *const *parts, size_t count)
{
    struct arena arena;
    struct redis_url parsed;
    struct redis_reply *reply = NULL;
    struct error err;
    arena_init(&arena, 0);
    if (redis_url_parse(url, &arena, &parsed, &err))
        give_up(err.message);
    struct redis_connection *connection = redis_connection_open(&parsed, COMMAND_TIMEOUT_MS);
    if (redis_connection_begin(connection, &err))
        give_up(err.message);
    redis_command_of(connection, parts, count);
    if (redis_receive(connection, &arena, &reply, &err))
        give_up(err.message);
    if (reply->type == REPLY_ERROR)
        give_up(arena_text_of(&arena, reply->text));
    int64_t number = reply->integer;
    redis_connection_close(connection);
    arena_release(&arena);
    return number;
}

int64_t redis_says(const char *url, const char *command)
{
    char words[256];
    const char *parts[16];
    size_t count = 0;
    char *rest = words;
    snprintf(words, sizeof words, "%s", command);
    for (char *word; count < 16 && (word = strsep(&rest, " "));)
        parts[count++] = word;
    return redis_says_of(url, parts, count);
}
