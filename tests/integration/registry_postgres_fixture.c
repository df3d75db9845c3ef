/* registry_postgres_fixture.c - see registry_postgres_fixture.h. */
#include "tests/integration/registry_postgres_fixture.h"

#include "tests/support/shop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct postgres_database database;

enum status open_as(struct fixture *f, const char *schema, const char *url)
{
    registry_close(f->registry);
    f->settings = (struct settings){
        .project = "shop",
        .offline_store = {.type = "postgres", .url = url, .timeout_ms = 5000},
        .registry_schema = schema,
    };
    return registry_open(&f->settings, &f->registry, &f->err);
}

void demand(struct fixture *f, enum status status)
{
    if (status)
        fail_msg("%s: %s", status_name(status), f->err.message);
}

int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    arena_init(&f->arena, 0);
    demand(f, open_as(f, "larder", database.url));
    *state = f;
    return 0;
}

int tear_down(void **state)
{
    struct fixture *f = *state;
    registry_close(f->registry);
    arena_release(&f->arena);
    free(f);
    sql_run(database.session, "DROP SCHEMA IF EXISTS larder CASCADE");
    return 0;
}

enum status apply(struct fixture *f, const struct definitions *definitions)
{
    struct apply_outcome outcome;
    return registry_apply(f->registry, definitions, (struct apply_options){0}, &f->arena, &outcome,
                          &f->err);
}

uint64_t version(struct fixture *f)
{
    struct registry_version version;
    demand(f, registry_version(f->registry, "shop", &version, &f->err));
    return version.number;
}

void check_words(struct fixture *f, const char *words)
{
    if (!strstr(f->err.message, words))
        fail_msg("\"%s\" does not say %s", f->err.message, words);
}

long tables_in(const char *schema)
{
    char sql[512];
    char *name = PQescapeLiteral(database.session, schema, strlen(schema));
    snprintf(sql, sizeof sql, "SELECT count(*) FROM pg_tables WHERE schemaname = %s", name);
    PQfreemem(name);
    return sql_number(database.session, sql);
}
