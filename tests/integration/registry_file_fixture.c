/* registry_file_fixture.c - see registry_file_fixture.h. */
#include "tests/integration/registry_file_fixture.h"

#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

struct private_file file;

enum status open_as(struct fixture *f, const char *schema)
{
    registry_close(f->registry);
    f->registry = NULL;
    f->settings.registry_schema = schema;
    return registry_open(&f->settings, &f->registry, &f->err);
}

void demand(struct fixture *f, enum status status)
{
    if (status)
        fail_msg("%s: %s", status_name(status), f->err.message);
}

int registry_file_set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    private_file_clear(&file);
    arena_init(&f->arena, 0);
    f->settings = private_file_settings(&file);
    f->settings.project = "shop";
    demand(f, open_as(f, "larder"));
    *state = f;
    return 0;
}

int registry_file_tear_down(void **state)
{
    struct fixture *f = *state;
    registry_close(f->registry);
    arena_release(&f->arena);
    free(f);
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

const char *ask(struct fixture *f, const char *sql)
{
    sqlite3 *connection;
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_open(file.path, &connection), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(connection, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    const char *text =
        arena_printf(&f->arena, "%s", (const char *)sqlite3_column_text(statement, 0));
    sqlite3_finalize(statement);
    sqlite3_close(connection);
    return text;
}

const char *table_names(struct fixture *f)
{
    return ask(f, "SELECT coalesce(group_concat(name, ' '), '') FROM (SELECT name FROM"
                  " sqlite_schema WHERE type IN ('table', 'view') ORDER BY name)");
}

int registry_file_begin(void **state)
{
    (void)state;
    private_file_make(&file);
    return 0;
}

int registry_file_end(void **state)
{
    (void)state;
    private_file_remove(&file);
    return 0;
}
