/* settings.c - see settings.h: larder.yaml into settings. */
#include "config/settings.h"

#include "base/timestamp.h"
#include "config/environment.h"
#include "config/members.h"
#include "config/node.h"
#include "config/repository.h"

#include <stdlib.h>
#include <string.h>

/* Single values */

/* Digits alone, between two bounds. */
static bool parse_number(const char *text, uint32_t least, uint32_t most, uint32_t *number)
{
    uint64_t value = 0;
    size_t length = strspn(text, "0123456789");
    if (length == 0 || length > 10 || text[length] != '\0')
        return false;
    for (size_t i = 0; i < length; i++)
        value = value * 10 + (uint64_t)(text[i] - '0');
    *number = (uint32_t)value;
    return value >= least && value <= most;
}

static void read_number(struct reader *reader, const struct node *value, uint32_t least,
                        uint32_t most, void *into)
{
    uint32_t number;
    if (value->kind == NODE_TEXT && parse_number(value->text, least, most, &number))
        *(uint32_t *)into = number;
    else
        tell_kind(reader, value,
                  arena_printf(reader->arena, "a number from %u to %u", least, most));
}

static void read_workers(struct reader *reader, const struct node *value, void *into)
{
    read_number(reader, value, 0, 1024, into);
}

static void read_request_limit(struct reader *reader, const struct node *value, void *into)
{
    read_number(reader, value, 1, UINT16_MAX, into);
}

static void read_message_limit(struct reader *reader, const struct node *value, void *into)
{
    read_number(reader, value, 1024, 1024 * 1024 * 1024, into);
}

/* As durations elsewhere, and milliseconds, which only a network needs. */
static void read_timeout(struct reader *reader, const struct node *value, void *into)
{
    int64_t us = 0;
    uint32_t ms = 0;
    size_t length = value->kind == NODE_TEXT ? strlen(value->text) : 0;
    bool in_ms = length > 2 && strcmp(value->text + length - 2, "ms") == 0;
    const char *text = value->kind == NODE_TEXT ? value->text : "";
    if (in_ms)
        parse_number(arena_text_of(reader->arena, (struct bytes){text, length - 2}), 1, 3600000,
                     &ms);
    else if (duration_parse(bytes_of_text(text), &us) && us <= INT64_C(3600000000))
        ms = (uint32_t)(us / 1000);
    if (ms >= 1 && ms <= 3600000)
        *(uint32_t *)into = ms;
    else
        tell_kind(reader, value, "a time such as 250ms or 5s, at most 1h");
}

/* host:port, where an IPv6 host stands in brackets. */
static bool is_address(const char *text)
{
    const char *colon = strrchr(text, ':');
    uint32_t port;
    if (!colon || colon == text || !parse_number(colon + 1, 0, 65535, &port))
        return false;
    struct bytes host = {text, (size_t)(colon - text)};
    bool brackets = text[0] == '[' && colon[-1] == ']' && host.size > 2;
    for (size_t i = 0; i < host.size; i++) {
        char c = text[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        bool edge = brackets && (i == 0 || i + 1 == host.size);
        bool inside = brackets ? letter || strchr(":.%", c) : letter || strchr(".-_", c);
        if (!edge && !inside)
            return false;
    }
    return true;
}

static void read_address(struct reader *reader, const struct node *value, void *into)
{
    if (value->kind == NODE_TEXT && is_address(value->text))
        *(const char **)into = value->text;
    else
        tell_kind(reader, value, "host:port, such as 127.0.0.1:6566");
}

/* An empty text is no address: a variable that is not set may so mean no port. */
static void read_address_or_none(struct reader *reader, const struct node *value, void *into)
{
    if (value->kind == NODE_TEXT && !*value->text)
        *(const char **)into = NULL;
    else
        read_address(reader, value, into);
}

static void read_schema(struct reader *reader, const struct node *value, void *into)
{
    struct written name = name_of(reader, value);
    if (name.text && strncmp(name.text, "pg_", 3) == 0)
        problems_add(reader->problems, value->place,
                     "a schema cannot be called pg_...: PostgreSQL keeps those names");
    else if (name.text && strncmp(name.text, "sqlite", 6) == 0 && strchr("_", name.text[6]))
        problems_add(reader->problems, value->place,
                     "a schema cannot be called sqlite: SQLite keeps names that begin so");
    else if (name.text)
        *(const char **)into = name.text;
}

/* Stores */

static bool is_word(const struct node *value, const char *word)
{
    return value && value->kind == NODE_TEXT && strcmp(value->text, word) == 0;
}

static void tell_type(struct reader *reader, const struct node *value, const char *types)
{
    if (value->kind == NODE_TEXT)
        problems_add(reader->problems, value->place, "the type %s is not supported: use %s",
                     quoted_value(reader, value), types);
    else
        tell_kind(reader, value, types);
}

static void read_offline_type(struct reader *reader, const struct node *value, void *into)
{
    if (is_word(value, "postgres"))
        *(const char **)into = "postgres";
    else if (is_word(value, "sqlite"))
        *(const char **)into = "sqlite";
    else
        tell_type(reader, value, "postgres or sqlite");
}

static void read_online_type(struct reader *reader, const struct node *value, void *into)
{
    if (is_word(value, "redis"))
        *(const char **)into = "redis";
    else if (is_word(value, "lmdb"))
        *(const char **)into = "lmdb";
    else
        tell_type(reader, value, "redis or lmdb");
}

/* A folder called so would be looked for here. */
static bool begins_at_home(struct reader *reader, const struct node *value)
{
    bool does = value->kind == NODE_TEXT && value->text[0] == '~' && strchr("/", value->text[1]);
    if (does)
        problems_add(reader->problems, value->place,
                     "\"path\" begins with ~, which only a shell replaces: write "
                     "\"${HOME}/...\", with the quotes");
    return does;
}

static void read_folder(struct reader *reader, const struct node *value, void *into)
{
    if (begins_at_home(reader, value))
        return;
    if (value->kind == NODE_TEXT && *value->text)
        *(const char **)into = value->text;
    else
        tell_kind(reader, value, "a path, such as online/");
}

/* A database in memory, as SQLite calls it, would be empty for each command. */
static void read_file(struct reader *reader, const struct node *value, void *into)
{
    const char *text = value->kind == NODE_TEXT ? value->text : "";
    size_t length = strlen(text);
    if (begins_at_home(reader, value))
        return;
    if (length > 0 && text[length - 1] != '/' && strcmp(text, ":memory:") != 0)
        *(const char **)into = text;
    else
        tell_kind(reader, value, "the path of a file, such as history.db");
}

/* A number and its unit. A size in whole MiB is one in whole pages, whatever their size is. */
static void read_size(struct reader *reader, const struct node *value, void *into)
{
    static const struct {
        const char *unit;
        uint32_t most;
        int shift;
    } units[] = {{"MiB", 64 * 1024 * 1024, 20}, {"GiB", 64 * 1024, 30}, {"TiB", 64, 40}};
    const char *text = value->kind == NODE_TEXT ? value->text : "";
    size_t length = strlen(text);
    for (size_t i = 0; i < COUNT_OF(units) && length > 3; i++) {
        uint32_t number;
        const char *digits = arena_text_of(reader->arena, (struct bytes){text, length - 3});
        if (strcmp(text + length - 3, units[i].unit) != 0 ||
            !parse_number(digits, 1, units[i].most, &number))
            continue;
        *(uint64_t *)into = (uint64_t)number << units[i].shift;
        return;
    }
    tell_kind(reader, value, "a size such as 512MiB or 64GiB, at most 64TiB");
}

/* Urls hold passwords, so no message quotes one. */
static void read_url(struct reader *reader, const struct node *value, void *into, bool right,
                     const char *advice)
{
    bool text = value->kind == NODE_TEXT;
    for (const char *c = text ? value->text : ""; *c; c++)
        right = right && (unsigned char)*c >= 0x20 && *c != 0x7f;
    if (text && right)
        *(const char **)into = value->text;
    else if (text)
        problems_add(reader->problems, value->place, "\"url\" %s", advice);
    else
        tell_kind(reader, value, "a text");
}

static bool begins_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

static void read_postgres_url(struct reader *reader, const struct node *value, void *into)
{
    const char *text = value->kind == NODE_TEXT ? value->text : "";
    bool right = begins_with(text, "postgresql://") || begins_with(text, "postgres://") ||
                 (strchr(text, '=') && !strstr(text, "://"));
    read_url(reader, value, into, right,
             "must be postgresql://user@host:port/database, or what else libpq takes");
}

static void read_redis_url(struct reader *reader, const struct node *value, void *into)
{
    const char *text = value->kind == NODE_TEXT ? value->text : "";
    bool right = begins_with(text, "redis://") || begins_with(text, "unix://") ||
                 begins_with(text, "redis+unix://");
    const char *advice =
        begins_with(text, "rediss://")
            ? "names TLS (rediss), which is not supported: use redis://host:port/db"
            : "must be redis://host:port/db";
    read_url(reader, value, into, right, advice);
}

static void read_postgres(struct reader *reader, const struct node *value,
                          struct store_settings *into)
{
    static const struct member members[] = {
        {"type", true, read_offline_type, offsetof(struct store_settings, type), NULL},
        {"url", true, read_postgres_url, offsetof(struct store_settings, url), NULL},
        {"timeout", false, read_timeout, offsetof(struct store_settings, timeout_ms), NULL},
        {"path", false, NULL, 0, "it is for the type sqlite, and postgres has a url"},
    };
    members_read(reader, value, "\"offline_store\"", members, COUNT_OF(members), into);
}

static void read_sqlite(struct reader *reader, const struct node *value,
                        struct store_settings *into)
{
    static const struct member members[] = {
        {"type", true, read_offline_type, offsetof(struct store_settings, type), NULL},
        {"path", true, read_file, offsetof(struct store_settings, path), NULL},
        {"timeout", false, read_timeout, offsetof(struct store_settings, timeout_ms), NULL},
        {"url", false, NULL, 0, "it is for the type postgres, and sqlite has a path"},
    };
    members_read(reader, value, "\"offline_store\"", members, COUNT_OF(members), into);
}

/* Whether it is written as a store in the file system is: so that a type that is misspelt is the
 * one mistake that is told. */
static bool has_path(const struct node *value, const char *type, const char *other_type)
{
    if (value->kind != NODE_MAP)
        return false;
    const struct node *written = member_find(value, "type");
    return is_word(written, type) ||
           (!is_word(written, other_type) && member_find(value, "path") != NULL);
}

static void read_offline_store(struct reader *reader, const struct node *value, void *into)
{
    if (has_path(value, "sqlite", "postgres"))
        read_sqlite(reader, value, into);
    else
        read_postgres(reader, value, into);
}

static void read_redis(struct reader *reader, const struct node *value, struct store_settings *into)
{
    static const char elsewhere[] = "it is for the type lmdb, and redis has a url";
    static const struct member members[] = {
        {"type", true, read_online_type, offsetof(struct store_settings, type), NULL},
        {"url", true, read_redis_url, offsetof(struct store_settings, url), NULL},
        {"timeout", false, read_timeout, offsetof(struct store_settings, timeout_ms), NULL},
        {"path", false, NULL, 0, elsewhere},
        {"max_size", false, NULL, 0, elsewhere},
        {"near_cache", false, read_size, offsetof(struct store_settings, near_cache_bytes), NULL},
    };
    into->timeout_ms = 250;
    members_read(reader, value, "\"online_store\"", members, COUNT_OF(members), into);
}

static void read_lmdb(struct reader *reader, const struct node *value, struct store_settings *into)
{
    static const struct member members[] = {
        {"type", true, read_online_type, offsetof(struct store_settings, type), NULL},
        {"path", true, read_folder, offsetof(struct store_settings, path), NULL},
        {"max_size", false, read_size, offsetof(struct store_settings, max_size_bytes), NULL},
        {"timeout", false, read_timeout, offsetof(struct store_settings, timeout_ms), NULL},
        {"url", false, NULL, 0, "it is for the type redis, and lmdb has a path"},
        {"near_cache", false, NULL, 0,
         "it is for the type redis, and lmdb's rows are in memory already"},
    };
    into->timeout_ms = 5000;
    into->max_size_bytes = sizeof(void *) < 8 ? UINT64_C(1) << 30 : UINT64_C(64) << 30;
    members_read(reader, value, "\"online_store\"", members, COUNT_OF(members), into);
}

static void read_online_store(struct reader *reader, const struct node *value, void *into)
{
    if (has_path(value, "lmdb", "redis"))
        read_lmdb(reader, value, into);
    else
        read_redis(reader, value, into);
}

static void read_registry(struct reader *reader, const struct node *value, void *into)
{
    static const struct member members[] = {{"schema", false, read_schema, 0, NULL}};
    members_read(reader, value, "\"registry\"", members, COUNT_OF(members), into);
}

static void read_server(struct reader *reader, const struct node *value, void *into)
{
    static const struct member members[] = {
        {"grpc", false, read_address, offsetof(struct server_settings, grpc), NULL},
        {"http", false, read_address_or_none, offsetof(struct server_settings, http), NULL},
        {"workers", false, read_workers, offsetof(struct server_settings, workers), NULL},
        {"max_entities", false, read_request_limit, offsetof(struct server_settings, max_entities),
         NULL},
        {"max_features", false, read_request_limit, offsetof(struct server_settings, max_features),
         NULL},
        {"max_message_bytes", false, read_message_limit,
         offsetof(struct server_settings, max_message_bytes), NULL},
        {"max_call", false, read_timeout, offsetof(struct server_settings, max_call_ms), NULL},
    };
    members_read(reader, value, "\"server\"", members, COUNT_OF(members), into);
}

static void read_training(struct reader *reader, const struct node *value, void *into)
{
    static const struct member members[] = {{"memory", false, read_size, 0, NULL}};
    members_read(reader, value, "\"training\"", members, COUNT_OF(members), into);
}

/* One of some words, whose place in the list is what is meant. */
static void read_word(struct reader *reader, const struct node *value, const char *const *words,
                      size_t count, const char *expected, unsigned *into)
{
    for (size_t i = 0; i < count; i++)
        if (is_word(value, words[i])) {
            *into = (unsigned)i;
            return;
        }
    tell_kind(reader, value, expected);
}

static void read_log_level(struct reader *reader, const struct node *value, void *into)
{
    static const char *const words[] = {"debug", "info", "warning", "error"};
    unsigned level = LOG_INFO;
    read_word(reader, value, words, COUNT_OF(words), "debug, info, warning or error", &level);
    *(enum log_level *)into = (enum log_level)level;
}

static void read_log_format(struct reader *reader, const struct node *value, void *into)
{
    static const char *const words[] = {"logfmt", "json"};
    unsigned format = LOG_LOGFMT;
    read_word(reader, value, words, COUNT_OF(words), "logfmt or json", &format);
    *(enum log_format *)into = (enum log_format)format;
}

static void read_log(struct reader *reader, const struct node *value, void *into)
{
    static const struct member members[] = {
        {"level", false, read_log_level, offsetof(struct log_settings, level), NULL},
        {"format", false, read_log_format, offsetof(struct log_settings, format), NULL},
    };
    members_read(reader, value, "\"log\"", members, COUNT_OF(members), into);
}

static void read_project(struct reader *reader, const struct node *value, void *into)
{
    struct settings *settings = into;
    struct written project = name_of(reader, value);
    settings->project = project.text;
    settings->project_place = project.place;
}

static void read_root(struct reader *reader, const struct node *root, struct settings *settings)
{
    static const char elsewhere[] = "definitions stand in other *.yaml files beside larder.yaml";
    static const struct member members[] = {
        {"project", false, read_project, 0, NULL},
        {"offline_store", true, read_offline_store, offsetof(struct settings, offline_store), NULL},
        {"online_store", true, read_online_store, offsetof(struct settings, online_store), NULL},
        {"registry", false, read_registry, offsetof(struct settings, registry_schema), NULL},
        {"server", false, read_server, offsetof(struct settings, server), NULL},
        {"log", false, read_log, offsetof(struct settings, log), NULL},
        {"training", false, read_training, offsetof(struct settings, training_memory_bytes), NULL},
        {"entities", false, NULL, 0, elsewhere},
        {"sources", false, NULL, 0, elsewhere},
        {"feature_views", false, NULL, 0, elsewhere},
        {"feature_services", false, NULL, 0, elsewhere},
    };
    members_read(reader, root, "larder.yaml", members, COUNT_OF(members), settings);
}

static struct settings settings_default(void)
{
    return (struct settings){
        .offline_store = {.timeout_ms = 5000},
        .registry_schema = "larder",
        .log = {.level = LOG_INFO, .format = LOG_LOGFMT},
        .training_memory_bytes = UINT64_C(512) << 20,
        .server = {.grpc = "127.0.0.1:6566",
                   .max_entities = 10000,
                   .max_features = 10000,
                   .max_message_bytes = 16 * 1024 * 1024,
                   .max_call_ms = 10 * 1000},
    };
}

enum status settings_read_yaml(const char *name, struct bytes yaml, struct arena *arena,
                               struct settings *settings, struct problems *problems)
{
    *settings = (struct settings){0};
    size_t before = problems->count;
    struct settings found = settings_default();
    struct reader reader = {.arena = arena, .problems = problems, .hide_urls = true};
    const struct node *root;
    bool whole = node_read_yaml(name, yaml, arena, problems, &root);
    if (whole && !root)
        problems_add(problems, (struct place){.file = arena_text(arena, name)},
                     "is empty: it needs \"offline_store\" and \"online_store\"");
    if (root)
        read_root(&reader, environment_expand(root, arena, problems), &found);
    if (problems->count != before || problems_full(problems)) {
        problems_sort(problems);
        settings->project = found.project;
        settings->project_place = found.project_place;
        return STATUS_INVALID;
    }
    *settings = found;
    return STATUS_OK;
}
