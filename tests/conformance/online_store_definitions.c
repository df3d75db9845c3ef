/* online_store_definitions.c - marks, owner, catalogs, removal and handles of any online store. */
#include "online_store_fixture.h"

#include <stdlib.h>

/* Marks. */

static void check_mark(struct fixture *f, struct online_mark mark, int64_t position)
{
    int64_t read = -1;
    check_ok(f, online_store_read_marks(f->store, &mark, 1, &read, &f->err));
    assert_int_equal(read, position);
}

static void move_mark(struct fixture *f, struct online_mark mark, int64_t position)
{
    mark.position = position;
    check_ok(f, online_store_write(f->store, NULL, 0, &mark, 1, NULL, &f->err));
}

static void mark_moves_forward_only(void **state)
{
    static const int64_t positions[] = {
        0, 1, 9, 10, 99, 100, INT64_C(1) << 53, (INT64_C(1) << 53) + 1, INT64_MAX - 1, INT64_MAX};
    struct fixture *f = *state;
    struct online_mark mark = {"materialize", PROJECT, VIEW, 2, 0};
    check_mark(f, mark, 0);
    for (size_t i = 0; i < COUNT_OF(positions); i++) {
        move_mark(f, mark, positions[i]);
        check_mark(f, mark, positions[i]);
        for (size_t j = 0; j <= i; j++)
            move_mark(f, mark, positions[j]);
        check_mark(f, mark, positions[i]);
    }
}

static void marks_of_others_stay_apart(void **state)
{
    struct fixture *f = *state;
    struct online_mark mine = {"materialize", PROJECT, VIEW, 2, 0};
    struct online_mark others[] = {{"follow", PROJECT, VIEW, 2, 0},
                                   {"materialize", PROJECT + 1, VIEW, 2, 0},
                                   {"materialize", PROJECT, VIEW + 1, 2, 0},
                                   {"materialize", PROJECT, VIEW, 3, 0}};
    move_mark(f, mine, 77);
    for (size_t i = 0; i < COUNT_OF(others); i++)
        check_mark(f, others[i], 0);
}

static void thousands_of_marks_go_with_one_write(void **state)
{
    enum { COUNT = 3000 };
    struct fixture *f = *state;
    struct online_mark *marks = arena_array(&f->arena, COUNT, sizeof *marks);
    int64_t *positions = arena_array(&f->arena, COUNT, sizeof *positions);
    for (uint32_t i = 0; i < COUNT; i++)
        marks[i] = (struct online_mark){"follow", PROJECT + i % 2, i, 1, i + 1};
    struct online_write write = {driver(f, 1), row_at(f, 1, 1, "x"), 0};
    check_ok(f, online_store_write(f->store, &write, 1, marks, COUNT, NULL, &f->err));
    check_ok(f, online_store_read_marks(f->store, marks, COUNT, positions, &f->err));
    for (uint32_t i = 0; i < COUNT; i++)
        assert_int_equal(positions[i], i + 1);
    check_row(f, 1, "x");
}

/* Ownership and definitions. */

static void store_has_one_owner_until_it_is_taken_over(void **state)
{
    struct fixture *f = *state;
    uint64_t owner = 1;
    check_ok(f, online_store_owner(f->store, &owner, &f->err));
    assert_int_equal(owner, 0);
    check_ok(f, online_store_claim(f->store, UINT64_MAX, false, &f->err));
    check_ok(f, online_store_claim(f->store, UINT64_MAX, false, &f->err));
    check_ok(f, online_store_owner(f->store, &owner, &f->err));
    assert_true(owner == UINT64_MAX);

    assert_int_equal(online_store_claim(f->store, 5, false, &f->err), STATUS_CONFLICT);
    assert_non_null(strstr(f->err.message, "--take-over"));
    check_ok(f, online_store_owner(f->store, &owner, &f->err));
    assert_true(owner == UINT64_MAX);
    check_ok(f, online_store_claim(f->store, 5, true, &f->err));
    check_ok(f, online_store_owner(f->store, &owner, &f->err));
    assert_int_equal(owner, 5);
}

static void only_its_owner_releases_a_store(void **state)
{
    struct fixture *f = *state;
    uint64_t owner;
    check_ok(f, online_store_release(f->store, 7, &f->err)); /* nobody's */
    check_ok(f, online_store_claim(f->store, 7, false, &f->err));
    check_ok(f, online_store_release(f->store, 8, &f->err));
    check_ok(f, online_store_owner(f->store, &owner, &f->err));
    assert_int_equal(owner, 7);
    check_ok(f, online_store_release(f->store, 7, &f->err));
    check_ok(f, online_store_owner(f->store, &owner, &f->err));
    assert_int_equal(owner, 0);
}

static void check_catalog(struct fixture *f, const char *project, const char *text)
{
    struct bytes read = {"untouched", 9};
    check_ok(f, online_store_get_catalog(f->store, project, &f->arena, &read, &f->err));
    if (!text)
        assert_null(read.data);
    else
        assert_true(bytes_equal(read, bytes_of_text(text)));
}

static enum status put_catalog(struct fixture *f, uint64_t identity, uint64_t version,
                               const char *text, bool force)
{
    return online_store_put_catalog(f->store, "flights", identity, version, bytes_of_text(text),
                                    force, &f->err);
}

static void catalog_moves_to_greater_versions_only(void **state)
{
    struct fixture *f = *state;
    check_catalog(f, "flights", NULL);
    check_ok(f, put_catalog(f, 1, 9, "nine", false));
    check_ok(f, put_catalog(f, 1, 10, "ten", false));
    check_ok(f, put_catalog(f, 1, 9, "nine again", false));
    check_ok(f, put_catalog(f, 1, 10, "ten again", false));
    check_catalog(f, "flights", "ten");
    check_catalog(f, "trains", NULL);
    check_ok(f, put_catalog(f, 1, UINT64_MAX, "last", false));
    check_ok(f, put_catalog(f, 1, UINT64_MAX - 1, "last but one", false));
    check_catalog(f, "flights", "last");
}

static void the_version_of_a_catalog_can_be_asked_alone(void **state)
{
    struct fixture *f = *state;
    uint64_t identity, version;
    check_ok(f, online_store_catalog_version(f->store, "flights", &identity, &version, &f->err));
    assert_true(identity == 0);
    check_ok(f, put_catalog(f, UINT64_MAX, UINT64_MAX, "text", false));
    check_ok(f, online_store_catalog_version(f->store, "flights", &identity, &version, &f->err));
    assert_true(identity == UINT64_MAX && version == UINT64_MAX);
    check_ok(f, online_store_catalog_version(f->store, "trains", &identity, &version, &f->err));
    assert_true(identity == 0);
}

static void catalog_of_another_registry_needs_force(void **state)
{
    struct fixture *f = *state;
    check_ok(f, put_catalog(f, 1, 9, "mine", false));
    assert_int_equal(put_catalog(f, 2, 10, "theirs", false), STATUS_CONFLICT);
    assert_non_null(strstr(f->err.message, "--take-over"));
    check_catalog(f, "flights", "mine");
    check_ok(f, put_catalog(f, 2, 1, "theirs", true));
    check_catalog(f, "flights", "theirs");
    assert_int_equal(put_catalog(f, 1, 11, "late", false), STATUS_CONFLICT);
    check_catalog(f, "flights", "theirs");
}

static void catalog_may_be_large(void **state)
{
    enum { SIZE = 4 * 1024 * 1024 };
    struct fixture *f = *state;
    char *text = arena_alloc(&f->arena, SIZE + 1);
    for (int i = 0; i < SIZE; i++)
        text[i] = (char)('a' + i % 26);
    text[SIZE] = '\0';
    check_ok(f, put_catalog(f, 1, 1, text, false));
    check_catalog(f, "flights", text);
}

/* Removal. */

static int64_t count_in(struct fixture *f, uint32_t project, uint32_t view, uint32_t generation,
                        int64_t first, int64_t count)
{
    int64_t found = 0;
    for (int64_t i = 0; i < count; i++)
        found += read_key(f, key_in(f, project, view, generation, first + i)).data != NULL;
    return found;
}

static void removed_views_leave_in_all_generations(void **state)
{
    struct fixture *f = *state;
    const struct online_rows views[] = {{.view_id = 900}, {.view_id = 7}};
    uint64_t removed;
    put_in(f, PROJECT, 7, 0, 0, 3000);
    put_in(f, PROJECT, 7, 1, 0, 40);
    put_in(f, PROJECT, 8, 0, 0, 30);
    put_in(f, PROJECT, 900, 0, 0, 20);
    put_in(f, PROJECT + 1, 7, 0, 0, 10);
    check_ok(f, online_store_remove(f->store, PROJECT, "flights", views, 2, &removed, &f->err));
    assert_int_equal(removed, 3060);
    assert_int_equal(count_in(f, PROJECT, 7, 0, 0, 3000), 0);
    assert_int_equal(count_in(f, PROJECT, 7, 1, 0, 40), 0);
    assert_int_equal(count_in(f, PROJECT, 8, 0, 0, 30), 30);
    assert_int_equal(count_in(f, PROJECT, 900, 0, 0, 20), 0);
    assert_int_equal(count_in(f, PROJECT + 1, 7, 0, 0, 10), 10);
}

static void removed_views_take_their_marks_along(void **state)
{
    struct fixture *f = *state;
    struct online_mark gone = {"materialize", PROJECT, 7, 1, 0};
    struct online_mark also_gone = {"follow", PROJECT, 7, 0, 0};
    struct online_mark stays = {"materialize", PROJECT, 77, 1, 0};
    const struct online_rows view = {.view_id = 7};
    uint64_t removed;
    move_mark(f, gone, 5);
    move_mark(f, also_gone, 5);
    move_mark(f, stays, 5);
    check_ok(f, put_catalog(f, 1, 1, "text", false));
    check_ok(f, online_store_remove(f->store, PROJECT, "flights", &view, 1, &removed, &f->err));
    check_mark(f, gone, 0);
    check_mark(f, also_gone, 0);
    check_mark(f, stays, 5);
    check_catalog(f, "flights", "text");
}

/* Generations 12 and 1, 2: no one is taken for another that it begins with. */
static void removed_generation_leaves_alone(void **state)
{
    struct fixture *f = *state;
    const struct online_rows gone[] = {{7, 1}, {8, 12}, {9, 300}};
    uint64_t removed;
    put_in(f, PROJECT, 7, 1, 0, 300);
    put_in(f, PROJECT, 7, 12, 0, 30);
    put_in(f, PROJECT, 8, 1, 0, 20);
    put_in(f, PROJECT, 8, 12, 0, 200);
    put_in(f, PROJECT, 71, 1, 0, 10);
    check_ok(f, online_store_remove(f->store, PROJECT, "flights", gone, 3, &removed, &f->err));
    assert_int_equal(removed, 500);
    assert_int_equal(count_in(f, PROJECT, 7, 1, 0, 300), 0);
    assert_int_equal(count_in(f, PROJECT, 7, 12, 0, 30), 30);
    assert_int_equal(count_in(f, PROJECT, 8, 1, 0, 20), 20);
    assert_int_equal(count_in(f, PROJECT, 8, 12, 0, 200), 0);
    assert_int_equal(count_in(f, PROJECT, 71, 1, 0, 10), 10);
}

static void removed_generation_takes_its_marks_along(void **state)
{
    struct fixture *f = *state;
    struct online_mark gone = {"materialize", PROJECT, 7, 1, 0};
    struct online_mark also_gone = {"follow", PROJECT, 7, 1, 0};
    struct online_mark stays = {"materialize", PROJECT, 7, 12, 0};
    const struct online_rows rows = {7, 1};
    uint64_t removed;
    move_mark(f, gone, 5);
    move_mark(f, also_gone, 5);
    move_mark(f, stays, 5);
    check_ok(f, online_store_remove(f->store, PROJECT, "flights", &rows, 1, &removed, &f->err));
    check_mark(f, gone, 0);
    check_mark(f, also_gone, 0);
    check_mark(f, stays, 5);
}

static void removed_project_leaves_others_alone(void **state)
{
    struct fixture *f = *state;
    struct online_mark mine = {"materialize", PROJECT, 7, 1, 0};
    struct online_mark others = {"materialize", PROJECT + 1, 7, 1, 0};
    uint64_t removed, owner;
    put_in(f, PROJECT, 7, 0, 0, 100);
    put_in(f, PROJECT, 8, 1, 0, 100);
    put_in(f, PROJECT + 1, 7, 0, 0, 100);
    move_mark(f, mine, 5);
    move_mark(f, others, 6);
    check_ok(f, online_store_claim(f->store, 12, false, &f->err));
    check_ok(f, put_catalog(f, 12, 1, "text", false));
    check_ok(
        f, online_store_put_catalog(f->store, "trains", 12, 1, bytes_of_text("t"), false, &f->err));
    check_ok(f, online_store_remove(f->store, PROJECT, "flights", NULL, 0, &removed, &f->err));
    assert_int_equal(removed, 200);
    assert_int_equal(count_in(f, PROJECT + 1, 7, 0, 0, 100), 100);
    check_mark(f, mine, 0);
    check_mark(f, others, 6);
    check_catalog(f, "flights", NULL);
    check_catalog(f, "trains", "t");
    check_ok(f, online_store_owner(f->store, &owner, &f->err));
    assert_int_equal(owner, 12);
}

/* Among the prefixes of these projects are all bytes that a search takes for wildcards. */
static void any_project_can_be_removed_alone(void **state)
{
    struct fixture *f = *state;
    for (uint32_t project = 0; project < 300; project++)
        put_in(f, project, 1, 0, 0, 1);
    for (uint32_t project = 0; project < 300; project++) {
        uint64_t removed;
        check_ok(f, online_store_remove(f->store, project, "p", NULL, 0, &removed, &f->err));
        assert_int_equal(removed, 1);
    }
}

static void nothing_to_remove_is_no_mistake(void **state)
{
    struct fixture *f = *state;
    uint64_t removed = 9;
    const struct online_rows none = {0};
    check_ok(f, online_store_remove(f->store, PROJECT, "flights", NULL, 0, &removed, &f->err));
    assert_int_equal(removed, 0);
    put_in(f, PROJECT, 7, 0, 0, 1);
    check_ok(f, online_store_remove(f->store, PROJECT, "flights", &none, 0, &removed, &f->err));
    assert_int_equal(removed, 0);
    assert_int_equal(count_in(f, PROJECT, 7, 0, 0, 1), 1);
}

/* Looking, and handles. */

static void store_says_what_it_is(void **state)
{
    struct fixture *f = *state;
    struct online_info info;
    check_ok(f, online_store_ping(f->store, &f->err));
    for (int64_t i = 0; i < 20; i++)
        put(f, i, row_at(f, 1, 1, "a row of some length, as rows are when they hold a sentence"));
    check_ok(f, online_store_inspect(f->store, &info, &f->err));
    assert_true(strlen(info.version) > 3);
    assert_true(info.used_bytes > 1000);
}

static void store_that_is_well_says_nothing_else(void **state)
{
    struct fixture *f = *state;
    struct examination examination;
    put(f, 1, row_at(f, 1, 1, "a row"));
    check_ok(f, online_store_examine(f->store, &f->arena, &examination, &f->err));
    assert_true(strlen(examination.version) > 3);
    assert_true(examination.used_bytes > 0 && !examination.is_new);
    assert_true(examination.clock_ahead_us > -1000000 && examination.clock_ahead_us < 1000000);
    for (size_t i = 0; i < examination.findings.count; i++)
        assert_int_equal(examination.findings.items[i].kind, FINDING_HINT);
}

static void handles_see_each_others_rows(void **state)
{
    struct fixture *f = *state;
    struct online_store *mine = f->store;
    struct online_store *other = f->maker->open(f->maker->context);
    put(f, 1, row_at(f, 5, 5, "mine"));
    f->store = other;
    check_row(f, 1, "mine");
    assert_int_equal(put(f, 1, row_at(f, 4, 4, "theirs")), ROW_OLDER);
    f->store = mine;
    online_store_close(other);
    check_row(f, 1, "mine");
}

static void closing_no_store_is_no_mistake(void **state)
{
    (void)state;
    online_store_close(NULL);
}

#define SUITE_TEST(test)                                                                           \
    {                                                                                              \
#test, test, set_up, tear_down, (void *)maker                                              \
    }

int online_store_definition_tests(const struct online_store_maker *maker)
{
    const struct CMUnitTest tests[] = {
        SUITE_TEST(mark_moves_forward_only),
        SUITE_TEST(marks_of_others_stay_apart),
        SUITE_TEST(thousands_of_marks_go_with_one_write),
        SUITE_TEST(store_has_one_owner_until_it_is_taken_over),
        SUITE_TEST(only_its_owner_releases_a_store),
        SUITE_TEST(catalog_moves_to_greater_versions_only),
        SUITE_TEST(the_version_of_a_catalog_can_be_asked_alone),
        SUITE_TEST(catalog_of_another_registry_needs_force),
        SUITE_TEST(catalog_may_be_large),
        SUITE_TEST(removed_views_leave_in_all_generations),
        SUITE_TEST(removed_views_take_their_marks_along),
        SUITE_TEST(removed_generation_leaves_alone),
        SUITE_TEST(removed_generation_takes_its_marks_along),
        SUITE_TEST(removed_project_leaves_others_alone),
        SUITE_TEST(any_project_can_be_removed_alone),
        SUITE_TEST(nothing_to_remove_is_no_mistake),
        SUITE_TEST(store_says_what_it_is),
        SUITE_TEST(store_that_is_well_says_nothing_else),
        SUITE_TEST(handles_see_each_others_rows),
        SUITE_TEST(closing_no_store_is_no_mistake),
    };
    return cmocka_run_group_tests_name("all else of an online store", tests, NULL, NULL);
}
