/* larder.yaml: what it may say, and what its mistakes are answered. */
#include "definitions_text.h"

#include "config/repository.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define OFFLINE "offline_store: {type: postgres, url: \"postgresql://localhost/flights\"}\n"
#define ONLINE "online_store: {type: redis, url: \"redis://localhost:6379/0\"}\n"
#define STORES OFFLINE ONLINE

static struct settings settings_of(const char *yaml, struct arena *arena)
{
    struct problems problems;
    struct settings settings;
    problems_init(&problems, arena);
    if (settings_read_yaml("larder.yaml", bytes_of_text(yaml), arena, &settings, &problems))
        fail_msg("%s", problems_text(&problems, arena));
    return settings;
}

static void everything_but_the_stores_has_a_default(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 0);
    struct settings settings = settings_of(STORES, &arena);
    assert_null(settings.project);
    assert_string_equal(settings.offline_store.type, "postgres");
    assert_string_equal(settings.offline_store.url, "postgresql://localhost/flights");
    assert_int_equal(settings.offline_store.timeout_ms, 5000);
    assert_int_equal(settings.online_store.timeout_ms, 250);
    assert_int_equal(settings.online_store.near_cache_bytes, 0);
    assert_string_equal(settings.registry_schema, "larder");
    assert_string_equal(settings.server.grpc, "127.0.0.1:6566");
    assert_null(settings.server.http);
    assert_int_equal(settings.server.workers, 0);
    assert_int_equal(settings.server.max_entities, 10000);
    assert_int_equal(settings.server.max_features, 10000);
    assert_int_equal(settings.server.max_message_bytes, 16 * 1024 * 1024);
    assert_int_equal(settings.server.max_call_ms, 10 * 1000);
    assert_int_equal(settings.training_memory_bytes, 512 * 1024 * 1024);
    assert_int_equal(settings.log.level, LOG_INFO);
    assert_int_equal(settings.log.format, LOG_LOGFMT);
    arena_release(&arena);
}

static void every_setting_is_read(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 0);
    struct settings settings =
        settings_of("project: flights\n"
                    "offline_store: {type: postgres, url: 'host=h user=u', timeout: 2s}\n"
                    "online_store: {type: redis, url: 'unix:///run/redis.sock', timeout: 40ms,\n"
                    "  near_cache: 256MiB}\n"
                    "registry: {schema: features}\n"
                    "server: {grpc: '0.0.0.0:0', http: '[::1]:80', workers: 2, max_entities: 5,\n"
                    "  max_features: 6, max_message_bytes: 4096, max_call: 3s}\n"
                    "log: {level: warning, format: json}\n"
                    "training: {memory: 3MiB}\n",
                    &arena);
    assert_string_equal(settings.project, "flights");
    assert_string_equal(settings.offline_store.url, "host=h user=u");
    assert_int_equal(settings.offline_store.timeout_ms, 2000);
    assert_int_equal(settings.online_store.timeout_ms, 40);
    assert_int_equal(settings.online_store.near_cache_bytes, 256 * 1024 * 1024);
    assert_string_equal(settings.registry_schema, "features");
    assert_string_equal(settings.server.grpc, "0.0.0.0:0");
    assert_string_equal(settings.server.http, "[::1]:80");
    assert_int_equal(settings.server.workers, 2);
    assert_int_equal(settings.server.max_entities, 5);
    assert_int_equal(settings.server.max_features, 6);
    assert_int_equal(settings.server.max_message_bytes, 4096);
    assert_int_equal(settings.server.max_call_ms, 3000);
    assert_int_equal(settings.training_memory_bytes, 3 * 1024 * 1024);
    assert_int_equal(settings.log.level, LOG_WARNING);
    assert_int_equal(settings.log.format, LOG_JSON);
    arena_release(&arena);
}

static void an_empty_http_address_is_no_port(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 0);
    struct settings settings =
        settings_of(STORES "server: {http: '${LARDER_NO_SUCH:-}'}\n", &arena);
    assert_null(settings.server.http);
    arena_release(&arena);
}

static void store_in_a_folder_has_a_path_and_a_size(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 0);
    struct store_settings store =
        settings_of(OFFLINE "online_store: {type: lmdb, path: online/}\n", &arena).online_store;
    assert_string_equal(store.type, "lmdb");
    assert_string_equal(store.path, "online/");
    assert_null(store.url);
    assert_int_equal(store.timeout_ms, 5000);
    assert_true(store.max_size_bytes >= UINT64_C(1) << 30);
    store = settings_of(OFFLINE "online_store:\n"
                                "  {max_size: 512MiB, timeout: 1s, path: /var/o, type: lmdb}\n",
                        &arena)
                .online_store;
    assert_string_equal(store.path, "/var/o");
    assert_int_equal(store.timeout_ms, 1000);
    assert_true(store.max_size_bytes == UINT64_C(512) << 20);
    arena_release(&arena);
}

static void history_in_a_file_has_a_path(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 0);
    struct settings settings = settings_of(
        "offline_store: {type: sqlite, path: history.db}\n" ONLINE "registry: {schema: sqlites}\n",
        &arena);
    assert_string_equal(settings.offline_store.type, "sqlite");
    assert_string_equal(settings.offline_store.path, "history.db");
    assert_null(settings.offline_store.url);
    assert_int_equal(settings.offline_store.timeout_ms, 5000);
    settings =
        settings_of("offline_store: {timeout: 1s, path: /var/h.db, type: sqlite}\n" ONLINE, &arena);
    assert_string_equal(settings.offline_store.path, "/var/h.db");
    assert_int_equal(settings.offline_store.timeout_ms, 1000);
    arena_release(&arena);
}

static void mistakes_in_stores_are_told(void **state)
{
    (void)state;
    static const struct mistake mistakes[] = {
        {"another store", OFFLINE "online_store: {type: dynamo, url: \"redis://h\"}\n",
         "2:22: the type \"dynamo\" is not supported: use redis or lmdb"},
        {"a folder for Redis", OFFLINE "online_store: {type: redis, path: online/}\n",
         "2:15: \"online_store\" needs \"url\"\n"
         "2:29: \"path\" does not belong here: it is for the type lmdb, and redis has a url"},
        {"a url for a folder", OFFLINE "online_store: {type: lmdb, url: \"redis://h\"}\n",
         "2:15: \"online_store\" needs \"path\"\n"
         "2:28: \"url\" does not belong here: it is for the type redis, and lmdb has a path"},
        {"a cache before a folder",
         OFFLINE "online_store: {type: lmdb, path: a, near_cache: 1GiB}\n",
         "2:37: \"near_cache\" does not belong here: it is for the type redis, and lmdb's rows are "
         "in "
         "memory already"},
        {"a cache of no unit",
         OFFLINE "online_store: {type: redis, url: \"redis://h\", near_cache: 256}\n",
         "2:59: \"near_cache\" must be a size such as 512MiB or 64GiB, at most 64TiB, not \"256\""},
        {"no path at all", OFFLINE "online_store: {type: lmdb, path: ''}\n",
         "2:34: \"path\" must be a path, such as online/, not \"\""},
        {"sizes that are none",
         OFFLINE "online_store: {type: lmdb, path: a, max_size: 64}\n"
                 "server: {workers: -1}\n",
         "2:47: \"max_size\" must be a size such as 512MiB or 64GiB, at most 64TiB, not \"64\"\n"
         "3:19: \"workers\" must be a number from 0 to 1024, not \"-1\""},
        {"a size of nothing", OFFLINE "online_store: {type: lmdb, path: a, max_size: 0GiB}\n",
         "2:47: \"max_size\" must be a size such as 512MiB or 64GiB, at most 64TiB, not \"0GiB\""},
        {"a size beyond all memory",
         OFFLINE "online_store: {type: lmdb, path: a, max_size: 65TiB}\n",
         "2:47: \"max_size\" must be a size such as 512MiB or 64GiB, at most 64TiB, not "
         "\"65TiB\""},
        {"another history", "offline_store: {type: mysql, url: \"postgresql://h\"}\n" ONLINE,
         "1:23: the type \"mysql\" is not supported: use postgres or sqlite"},
        {"a url for a file", "offline_store: {type: sqlite, url: \"postgresql://h\"}\n" ONLINE,
         "1:16: \"offline_store\" needs \"path\"\n"
         "1:31: \"url\" does not belong here: it is for the type postgres, and sqlite has a path"},
        {"a file for PostgreSQL", "offline_store: {type: postgres, path: h.db}\n" ONLINE,
         "1:16: \"offline_store\" needs \"url\"\n"
         "1:33: \"path\" does not belong here: it is for the type sqlite, and postgres has a url"},
        {"a file of another type", "offline_store: {type: sqlite3, path: h.db}\n" ONLINE,
         "1:23: the type \"sqlite3\" is not supported: use postgres or sqlite"},
        {"a folder of another type",
         OFFLINE "online_store: {type: ldmb, path: o, max_size: 1GiB}\n",
         "2:22: the type \"ldmb\" is not supported: use redis or lmdb"},
        {"a file at home", "offline_store: {type: sqlite, path: ~/h.db}\n" ONLINE,
         "1:37: \"path\" begins with ~, which only a shell replaces: write \"${HOME}/...\", with "
         "the quotes"},
        {"a folder at home", OFFLINE "online_store: {type: lmdb, path: ~/o}\n",
         "2:34: \"path\" begins with ~, which only a shell replaces: write \"${HOME}/...\", with "
         "the quotes"},
        {"a folder for a file", "offline_store: {type: sqlite, path: history/}\n" ONLINE,
         "1:37: \"path\" must be the path of a file, such as history.db, not \"history/\""},
        {"a file that nothing keeps", "offline_store: {type: sqlite, path: \":memory:\"}\n" ONLINE,
         "1:37: \"path\" must be the path of a file, such as history.db, not \":memory:\""},
        {"a store that is a text", "offline_store: \"postgresql://u:secret@h/db\"\n" ONLINE,
         "1:16: \"offline_store\" must be a mapping, not a text"},
        {"a url that is none", "offline_store: {type: postgres, url: \"u:secret@h/db\"}\n" ONLINE,
         "1:38: \"url\" must be postgresql://user@host:port/database, or what else libpq takes"},
        {"a url of another scheme",
         OFFLINE "online_store: {type: redis, url: \"http://:secret@h\"}\n",
         "2:34: \"url\" must be redis://host:port/db"},
        {"a url with TLS", OFFLINE "online_store: {type: redis, url: \"rediss://:secret@h\"}\n",
         "2:34: \"url\" names TLS (rediss), which is not supported: use redis://host:port/db"},
    };
    check_mistakes(mistakes, COUNT_OF(mistakes), settings_mistakes_of);
}

static void mistakes_in_settings_are_told(void **state)
{
    (void)state;
    static const struct mistake mistakes[] = {
        {"nothing", "", "0:0: is empty: it needs \"offline_store\" and \"online_store\""},
        {"no online store", OFFLINE, "1:1: larder.yaml needs \"online_store\""},
        {"an unknown key", STORES "sever: {}\n",
         "3:1: unknown key \"sever\" in larder.yaml: did you mean \"server\"?"},
        {"definitions among settings", STORES "entities: []\n",
         "3:1: \"entities\" does not belong here: definitions stand in other *.yaml files beside "
         "larder.yaml"},
        {"a timeout without a unit",
         OFFLINE "online_store: {type: redis, url: \"redis://h\", timeout: 250}\n",
         "2:56: \"timeout\" must be a time such as 250ms or 5s, at most 1h, not \"250\""},
        {"an endless timeout",
         OFFLINE "online_store: {type: redis, url: \"redis://h\", timeout: 2h}\n",
         "2:56: \"timeout\" must be a time such as 250ms or 5s, at most 1h, not \"2h\""},
        {"no timeout at all",
         OFFLINE "online_store: {type: redis, url: \"redis://h\", timeout: 0ms}\n",
         "2:56: \"timeout\" must be a time such as 250ms or 5s, at most 1h, not \"0ms\""},
        {"an address without a port", STORES "server: {grpc: localhost}\n",
         "3:16: \"grpc\" must be host:port, such as 127.0.0.1:6566, not \"localhost\""},
        {"a port that is none", STORES "server: {grpc: 'h:65536', http: 'h:x'}\n",
         "3:16: \"grpc\" must be host:port, such as 127.0.0.1:6566, not \"h:65536\"\n"
         "3:33: \"http\" must be host:port, such as 127.0.0.1:6566, not \"h:x\""},
        {"limits that are none",
         STORES "server: {workers: -1, max_entities: 0, max_features: many}\n",
         "3:19: \"workers\" must be a number from 0 to 1024, not \"-1\"\n"
         "3:37: \"max_entities\" must be a number from 1 to 65535, not \"0\"\n"
         "3:54: \"max_features\" must be a number from 1 to 65535, not \"many\""},
        {"a schema that PostgreSQL keeps", STORES "registry: {schema: pg_larder}\n",
         "3:20: a schema cannot be called pg_...: PostgreSQL keeps those names"},
        {"a schema that SQLite keeps", STORES "registry: {schema: sqlite_larder}\n",
         "3:20: a schema cannot be called sqlite: SQLite keeps names that begin so"},
    };
    check_mistakes(mistakes, COUNT_OF(mistakes), settings_mistakes_of);
}

static void variables_are_replaced_after_parsing(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 0);
    setenv("LARDER_T_NAME", "flights", 1);
    setenv("LARDER_T_PASSWORD", "a: {b}\n\"#", 1);
    setenv("LARDER_T_EMPTY", "", 1);
    struct settings settings = settings_of(
        "project: \"${LARDER_T_NAME}\"\n"
        "offline_store: {type: postgres, url: 'host=${LARDER_T_NONE:-local} "
        "opt=${LARDER_T_EMPTY}'}\n"
        "online_store: {type: redis, url: \"redis://$${x}$$y:${LARDER_T_NAME}@h/0\", timeout: "
        "\"${LARDER_T_EMPTY:-30ms}\"}\n"
        "server: {workers: \"${LARDER_T_NONE:-3}\"}\n",
        &arena);
    assert_string_equal(settings.project, "flights");
    assert_string_equal(settings.offline_store.url, "host=local opt=");
    assert_string_equal(settings.online_store.url, "redis://${x}$$y:flights@h/0");
    assert_int_equal(settings.online_store.timeout_ms, 30);
    assert_int_equal(settings.server.workers, 3);
    arena_release(&arena);
}

static void mistakes_with_variables_are_told_and_show_no_value(void **state)
{
    (void)state;
    setenv("LARDER_T_PASSWORD", "hunter2", 1);
    setenv("LARDER_T_LATIN", "caf\xe9", 1);
    static const struct mistake mistakes[] = {
        {"one that is not set", STORES "project: ${LARDER_T_NONE}\n",
         "3:10: the environment variable LARDER_T_NONE is not set: set it, or write "
         "${LARDER_T_NONE:-default}"},
        {"not closed", STORES "project: ${LARDER_T\n", "3:10: a \"${\" is not closed with \"}\""},
        {"no name", STORES "project: ${1}\n",
         "3:10: a variable is written ${NAME} or ${NAME:-default}, and \"$${\" is \"${\" itself"},
        {"another of the shell's forms", STORES "project: ${HOME%/}\n",
         "3:10: a variable is written ${NAME} or ${NAME:-default}, and \"$${\" is \"${\" itself"},
        {"not UTF-8", STORES "project: ${LARDER_T_LATIN}\n",
         "3:10: the environment variable LARDER_T_LATIN is not UTF-8"},
        {"a secret in the wrong place",
         STORES "project: \"P${LARDER_T_PASSWORD}\"\nserver: {grpc: \"${LARDER_T_PASSWORD}\"}\n",
         "3:10: \"P${LARDER_T_PASSWORD}\" (as the environment fills it) is no name: use a-z, 0-9 "
         "and _, "
         "beginning with a letter\n"
         "4:16: \"grpc\" must be host:port, such as 127.0.0.1:6566, not \"${LARDER_T_PASSWORD}\" "
         "(as "
         "the environment fills it)"},
        {"a secret for a type",
         OFFLINE "online_store: {type: \"${LARDER_T_PASSWORD}\", url: \"redis://h\"}\n",
         "2:22: the type \"${LARDER_T_PASSWORD}\" (as the environment fills it) is not supported: "
         "use redis or lmdb"},
        {"a secret for a url",
         OFFLINE "online_store: {type: redis, url: \"${LARDER_T_PASSWORD}\"}\n",
         "2:34: \"url\" must be redis://host:port/db"},
        {"a url for a type, a name, an address, a timeout and a key",
         "project: u:hunter2@h\n"
         "offline_store: {type: \"postgresql://u:hunter2@h\", url: \"postgresql://h\"}\n"
         "online_store: {type: redis, url: \"redis://h\", timeout: \"redis://:hunter2@h\"}\n"
         "server: {grpc: \"redis://:hunter2@h\"}\n"
         "\"postgresql://u:hunter2@h\": 1\n",
         "1:10: \"***\" is no name: use a-z, 0-9 and _, beginning with a letter\n"
         "2:23: the type \"***\" is not supported: use postgres or sqlite\n"
         "3:56: \"timeout\" must be a time such as 250ms or 5s, at most 1h, not \"***\"\n"
         "4:16: \"grpc\" must be host:port, such as 127.0.0.1:6566, not \"***\"\n"
         "5:1: unknown key \"***\" in larder.yaml: it may hold project, offline_store, "
         "online_store, registry, server, log and training"},
        {"keys take none", STORES "\"${LARDER_T_PASSWORD}\": 1\n",
         "3:1: unknown key \"${LARDER_T_PASSWORD}\" in larder.yaml: it may hold project, "
         "offline_store, online_store, registry, server, log and training"},
    };
    check_mistakes(mistakes, COUNT_OF(mistakes), settings_mistakes_of);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_but_the_stores_has_a_default),
        cmocka_unit_test(every_setting_is_read),
        cmocka_unit_test(an_empty_http_address_is_no_port),
        cmocka_unit_test(store_in_a_folder_has_a_path_and_a_size),
        cmocka_unit_test(history_in_a_file_has_a_path),
        cmocka_unit_test(mistakes_in_stores_are_told),
        cmocka_unit_test(mistakes_in_settings_are_told),
        cmocka_unit_test(variables_are_replaced_after_parsing),
        cmocka_unit_test(mistakes_with_variables_are_told_and_show_no_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
