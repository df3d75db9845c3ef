/* offline_store_fixture.c - see offline_store_fixture.h. */
#include "offline_store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

const struct entity_key_ids small_key_ids[] = {
    {1, 1, 1, 1}, {1, 1, 1, 1}, {1, 1, 1, 1}, {1, 1, 1, 1}};

int offline_fixture_set_up(void **state)
{
    struct offline_fixture *f = *state;
    f->store = f->maker->open(f->maker->context);
    arena_init(&f->arena, 0);
    return f->store ? 0 : -1;
}

int offline_fixture_tear_down(void **state)
{
    struct offline_fixture *f = *state;
    offline_store_close(f->store);
    arena_release(&f->arena);
    return 0;
}

void check_ok(enum status status, const struct error *err)
{
    if (status)
        fail_msg("%s: %s", status_name(status), err->message);
}

void load(struct offline_fixture *f, const struct source *source, const struct load_column *columns,
          size_t count, const struct value *rows, size_t row_count)
{
    struct offline_load *load;
    struct error err;
    bool made;
    uint64_t loaded;
    size_t culprit;
    check_ok(
        offline_load_open(f->store, source, columns, count, columns, count, &made, &load, &err),
        &err);
    for (size_t i = 0; i < row_count; i++)
        check_ok(offline_load_row(load, rows + i * count, &culprit, &err), &err);
    check_ok(offline_load_finish(load, &loaded, &err), &err);
    offline_load_close(load);
    assert_int_equal(loaded, row_count);
}
