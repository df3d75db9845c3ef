/* test_catalog.c - one version follows another, and the text form holds all of it or is refused. */
#include "store/registry/catalog.h"

#include "tests/support/shop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { IDENTITY = 0x1234abcd, PROJECT = 7 };

struct fixture {
    struct arena arena;
    struct error err;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    arena_init(&f->arena, 0);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    arena_release(&f->arena);
    free(f);
    return 0;
}

static struct catalog *follow(struct fixture *f, const struct catalog *before,
                              const struct definitions *definitions, const uint32_t *generations)
{
    struct catalog *next = arena_zero(&f->arena, sizeof *next);
    struct difference difference =
        definitions_difference(before ? &before->definitions : NULL, definitions, &f->arena);
    enum status status = catalog_next(before, definitions, &difference, IDENTITY, PROJECT,
                                      generations, &f->arena, next, &f->err);
    if (status)
        fail_msg("%s", f->err.message);
    return next;
}

static const struct catalog_view *view_of(const struct catalog *catalog, const char *name)
{
    const struct catalog_view *view = catalog_find_view(catalog, name);
    assert_non_null(view);
    return view;
}

static const char *text_of(struct fixture *f, const struct catalog *catalog)
{
    return arena_text_of(&f->arena, catalog_encode(catalog, &f->arena));
}

static enum status decode(struct fixture *f, const char *text, struct catalog *catalog)
{
    return catalog_decode(bytes_of_text(text), &f->arena, catalog, &f->err);
}

static void first_version_numbers_everything(void **state)
{
    struct fixture *f = *state;
    struct catalog *first = follow(f, NULL, shop(&f->arena), NULL);
    assert_int_equal(first->version, 1);
    assert_int_equal(first->identity, IDENTITY);
    assert_int_equal(first->project_id, PROJECT);
    assert_int_equal(first->last_view_id, 2);
    assert_int_not_equal(view_of(first, "spending")->id, view_of(first, "popularity")->id);
    const struct catalog_view *spending = view_of(first, "spending");
    assert_int_equal(spending->generation, catalog_first_generation(IDENTITY));
    assert_int_equal(spending->schema_count, 1);
    assert_int_equal(spending->schemas[0].number, 1);
    assert_string_equal(spending->schemas[0].names[1], "visits");
    assert_int_equal(spending->schemas[0].layout.types[1], TYPE_INT64);
    assert_null(catalog_find_view(first, "no_such_view"));
}

static void ids_stay_with_their_names(void **state)
{
    struct fixture *f = *state;
    struct catalog *first = follow(f, NULL, shop(&f->arena), NULL);
    struct catalog *second = follow(f, first, shop_with(&f->arena, "total: float64"), NULL);
    assert_int_equal(second->version, 2);
    assert_int_equal(view_of(second, "spending")->id, view_of(first, "spending")->id);
    assert_int_equal(view_of(second, "popularity")->id, view_of(first, "popularity")->id);
    assert_int_equal(view_of(second, "popularity")->generation, catalog_first_generation(IDENTITY));
}

static void a_view_that_returns_is_a_new_one(void **state)
{
    struct fixture *f = *state;
    struct catalog *first = follow(f, NULL, shop(&f->arena), NULL);
    struct catalog *second = follow(f, first, small_shop(&f->arena), NULL);
    assert_null(catalog_find_view(second, "popularity"));
    assert_int_equal(second->last_view_id, 2);
    struct catalog *third = follow(f, second, shop(&f->arena), NULL);
    assert_int_equal(view_of(third, "popularity")->id, 3);
    assert_int_equal(view_of(third, "popularity")->key_set_id,
                     view_of(first, "popularity")->key_set_id);
}

static void each_list_of_features_gets_a_number(void **state)
{
    struct fixture *f = *state;
    struct catalog *catalog = follow(f, NULL, shop_with(&f->arena, "a: int32"), NULL);
    catalog = follow(f, catalog, shop_with(&f->arena, "a: int32, b: string"), NULL);
    catalog = follow(f, catalog, shop_with(&f->arena, "b: string, a: int32"), NULL);
    catalog = follow(f, catalog, shop_with(&f->arena, "a: int32"), NULL);
    const struct catalog_view *view = view_of(catalog, "spending");
    assert_int_equal(view->schema_count, 4);
    for (uint16_t number = 1; number <= 4; number++)
        assert_ptr_equal(catalog_view_schema(view, number), &view->schemas[number - 1]);
    assert_string_equal(catalog_view_schema(view, 3)->names[0], "b");
    assert_null(catalog_view_schema(view, 0));
    assert_null(catalog_view_schema(view, 5));
    assert_int_equal(view_of(catalog, "popularity")->schema_count, 1);
}

static void taking_over_starts_generations_of_views_that_were_there(void **state)
{
    struct fixture *f = *state;
    struct catalog *first = follow(f, NULL, small_shop(&f->arena), NULL);
    struct catalog *second = follow(f, first, shop(&f->arena), (const uint32_t[]){20000});
    assert_int_equal(view_of(second, "spending")->generation, 20000);
    assert_int_equal(view_of(second, "popularity")->generation, catalog_first_generation(IDENTITY));
    struct catalog *third = follow(f, second, shop(&f->arena), NULL);
    assert_int_equal(view_of(third, "spending")->generation, 20000);
}

static void a_switch_changes_the_generation_of_one_view_and_nothing_else(void **state)
{
    struct fixture *f = *state;
    struct catalog *first = follow(f, NULL, shop(&f->arena), NULL), second;
    uint32_t generation = catalog_first_generation(IDENTITY);
    catalog_switch(first, view_of(first, "spending")->id, generation + 3, &f->arena, &second);
    assert_int_equal(second.version, 2);
    assert_int_equal(view_of(&second, "spending")->generation, generation + 3);
    assert_int_equal(view_of(&second, "popularity")->generation, generation);
    assert_int_equal(view_of(first, "spending")->generation, generation);
    struct catalog_view *spending = (struct catalog_view *)view_of(&second, "spending");
    spending->generation = generation;
    second.version = 1;
    assert_string_equal(text_of(f, &second), text_of(f, first));
}

static void registries_begin_with_generations_of_their_own(void **state)
{
    struct fixture *f = *state;
    struct catalog *ours = follow(f, NULL, shop(&f->arena), NULL);
    assert_int_equal(view_of(ours, "spending")->generation, catalog_first_generation(IDENTITY));
    assert_int_not_equal(catalog_first_generation(IDENTITY),
                         catalog_first_generation(IDENTITY + 1));
    assert_in_range(catalog_first_generation(UINT64_MAX), 1, 15000);
}

static void views_of_equally_encoded_keys_share_a_key_set(void **state)
{
    struct fixture *f = *state;
    const struct definitions *definitions = definitions_of(
        &f->arena,
        "project: keys\n"
        "entities:\n"
        "  - {name: narrow, join_keys: {id: int32}}\n"
        "  - {name: wide, join_keys: {id: int64}}\n"
        "  - {name: text, join_keys: {id: string}}\n"
        "  - {name: other, join_keys: {identity: int64}}\n"
        "sources: [{name: s, table: t, event_time: at}]\n"
        "feature_views:\n"
        "  - {name: a, entities: [narrow], source: s, features: [{name: f, type: bool}]}\n"
        "  - {name: b, entities: [wide], source: s, features: [{name: f, type: bool}]}\n"
        "  - {name: c, entities: [text], source: s, features: [{name: f, type: bool}]}\n"
        "  - {name: d, entities: [other], source: s, features: [{name: f, type: bool}]}\n"
        "  - {name: e, entities: [other, narrow], source: s, features:"
        " [{name: f, type: bool}]}\n");
    struct catalog *catalog = follow(f, NULL, definitions, NULL);
    assert_int_equal(view_of(catalog, "a")->key_set_id, view_of(catalog, "b")->key_set_id);
    assert_int_equal(catalog->key_set_count, 4);
    assert_string_equal(catalog->key_sets[view_of(catalog, "a")->key_set_id - 1], "id:int");
    assert_string_equal(catalog->key_sets[view_of(catalog, "c")->key_set_id - 1], "id:string");
    assert_string_equal(catalog->key_sets[view_of(catalog, "e")->key_set_id - 1],
                        "id:int,identity:int");
}

static void the_last_schema_number_is_the_end(void **state)
{
    struct fixture *f = *state;
    struct catalog *catalog = follow(f, NULL, shop_with(&f->arena, "a: int32"), NULL);
    struct view_schema *schema = arena_alloc(&f->arena, sizeof *schema);
    struct catalog_view *view = (struct catalog_view *)view_of(catalog, "spending");
    *schema = view->schemas[0];
    schema->number = UINT16_MAX;
    view->schemas = schema;
    const struct definitions *changed = shop_with(&f->arena, "a: int32, b: int32");
    struct difference difference =
        definitions_difference(&catalog->definitions, changed, &f->arena);
    struct catalog next;
    assert_int_equal(catalog_next(catalog, changed, &difference, IDENTITY, PROJECT, NULL, &f->arena,
                                  &next, &f->err),
                     STATUS_EXHAUSTED);
    assert_non_null(strstr(f->err.message, "spending"));
}

static void the_text_reads_back_the_same(void **state)
{
    struct fixture *f = *state;
    struct catalog *first = follow(f, NULL, shop(&f->arena), NULL);
    struct catalog *second = follow(f, first, shop_with(&f->arena, "total: float64"), NULL);
    const char *text = text_of(f, second);
    struct catalog read;
    assert_int_equal(decode(f, text, &read), STATUS_OK);
    assert_string_equal(text_of(f, &read), text);
    assert_int_equal(read.identity, IDENTITY);
    assert_int_equal(read.version, 2);
    assert_int_equal(view_of(&read, "spending")->generation, catalog_first_generation(IDENTITY));
    assert_int_equal(view_of(&read, "spending")->schema_count, 2);
    assert_string_equal(catalog_view_schema(view_of(&read, "spending"), 1)->names[1], "visits");
}

static void the_text_is_ascii_whatever_is_described(void **state)
{
    struct fixture *f = *state;
    const struct definitions *definitions =
        definitions_of(&f->arena, "project: p\n"
                                  "entities:\n"
                                  "  - {name: e, join_keys: {k: int64}, description: \"caf\u00e9 "
                                  "\U0001F600 \\\"quoted\\\" \\\\ \"}\n");
    struct catalog *catalog = follow(f, NULL, definitions, NULL);
    const char *text = text_of(f, catalog);
    for (const char *at = text; *at; at++)
        assert_true((unsigned char)*at >= 0x20 && (unsigned char)*at < 0x7f);
    struct catalog read;
    assert_int_equal(decode(f, text, &read), STATUS_OK);
    assert_string_equal(read.definitions.entities[0].about.text,
                        "caf\u00e9 \U0001F600 \"quoted\" \\ ");
}

/* A shop whose spending has features picked by the bits of a number. */
static const struct definitions *any_shop(struct fixture *f, unsigned bits)
{
    static const char *const features[] = {"a: bool", "b: int32", "c: list<string>", "d: timestamp",
                                           "e: list<float32>"};
    char *list = arena_text(&f->arena, "always: bytes");
    for (size_t i = 0; i < COUNT_OF(features); i++)
        if (bits >> i & 1)
            list = bits & 64 ? arena_printf(&f->arena, "%s, %s", features[i], list)
                             : arena_printf(&f->arena, "%s, %s", list, features[i]);
    return bits & 128 ? shop_with(&f->arena, list) : small_shop(&f->arena);
}

static void any_history_reads_back_and_reuses_no_number(void **state)
{
    struct fixture *f = *state;
    srand(1);
    const struct catalog *catalog = NULL;
    uint32_t greatest = 0;
    for (int step = 0; step < 150; step++) {
        const struct catalog *before = catalog;
        const uint32_t generations[] = {(uint32_t)step + 20000, UINT32_MAX};
        struct catalog *next = follow(f, before, any_shop(f, (unsigned)rand() & 255),
                                      rand() % 8 == 0 ? generations : NULL);
        const struct catalog_view *view = catalog_find_view(next, "popularity");
        if (view && !(before && catalog_find_view(before, "popularity")))
            assert_true(view->id > greatest);
        greatest = next->last_view_id > greatest ? next->last_view_id : greatest;
        const char *text = text_of(f, next);
        struct catalog *read = arena_alloc(&f->arena, sizeof *read);
        assert_int_equal(decode(f, text, read), STATUS_OK);
        assert_string_equal(text_of(f, read), text);
        if (before)
            assert_true(view_of(read, "spending")->schema_count >=
                        view_of(before, "spending")->schema_count);
        catalog = read;
    }
    assert_true(view_of(catalog, "spending")->schema_count > 50);
}

/* The text with the first `from` replaced. */
static const char *edited(struct fixture *f, const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);
    if (!at)
        fail_msg("%s does not hold %s", text, from);
    return arena_printf(&f->arena, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
}

static void what_does_not_agree_is_corrupt(void **state)
{
    static const char *const edits[][2] = {
        {"\"format\":1", "\"format\":2"},
        {"\"format\":1", "\"format\":\"1\""},
        {"\"format\":1,", ""},
        {"\"identity\":\"000000001234abcd\"", "\"identity\":\"0000000000000000\""},
        {"\"identity\":\"000000001234abcd\"", "\"identity\":\"1234abcd\""},
        {"\"identity\":\"000000001234abcd\"", "\"identity\":\"00000000-234abcd\""},
        {"\"version\":1", "\"version\":0"},
        {"\"version\":1", "\"version\":-1"},
        {"\"version\":1", "\"version\":1.0"},
        {"\"version\":1", "\"version\":99999999999999999999"},
        {"\"project_id\":7", "\"project_id\":0"},
        {"\"project_id\":7", "\"project_id\":4294967296"},
        {"\"last_view_id\":2", "\"last_view_id\":1"},
        {"\"last_view_id\":2,", ""},
        {"\"id\":1", "\"id\":2"}, /* the other's */
        {"\"id\":1", "\"id\":3"},
        {"\"generation\":1", "\"generation\":0"},
        {"\"key_set\":1", "\"key_set\":2"},
        {"\"key_set\":1", "\"key_set\":0"},
        {"\"key_set\":1", "\"key_set\":3"},
        {"\"key_sets\":[", "\"key_sets\":[1,"},
        {"\"key_sets\":[", "\"key_sets\":[\"\","},
        {"\"key_sets\":[", "\"key_sets\":[\"customer:int\","},
        {"\"number\":1", "\"number\":0"},
        {"\"number\":1", "\"number\":65536"},
        {"[\"visits\",\"int64\"]", "[\"visits\",\"int32\"]"},
        {"[\"visits\",\"int64\"]", "[\"visits\",\"nothing\"]"},
        {"[\"visits\",\"int64\"]", "[\"visits\"]"},
        {"[\"visits\",\"int64\"]", "[\"visits\",\"int64\",1]"},
        {"[\"visits\",\"int64\"]", "[\"total\",\"int64\"]"},
        {"[\"visits\",\"int64\"]", "[\"Visits\",\"int64\"]"},
        {"[\"visits\",\"int64\"]", "7"},
        {",[\"visits\",\"int64\"]", ""},
        {"\"schemas\":[", "\"schemas\":[null,"},
        {"\"views\":[{", "\"views\":[{},{"},
        {"\"definitions\":", "\"definitions\":[],\"other\":"},
        {"{", "["},
    };
    struct fixture *f = *state;
    const char *text = text_of(f, follow(f, NULL, shop(&f->arena), NULL));
    struct catalog read;
    assert_int_equal(decode(f, text, &read), STATUS_OK);
    for (size_t i = 0; i < COUNT_OF(edits); i++) {
        f->err = (struct error){0};
        const char *bad = edited(f, text, edits[i][0], edits[i][1]);
        if (decode(f, bad, &read) != STATUS_CORRUPT)
            fail_msg("%s for %s was taken", edits[i][1], edits[i][0]);
        assert_true(strlen(f->err.message) > 0);
    }
    assert_int_equal(decode(f, "", &read), STATUS_CORRUPT);
    assert_int_equal(catalog_decode((struct bytes){0}, &f->arena, &read, &f->err), STATUS_CORRUPT);
}

static void members_of_a_newer_program_are_left_alone(void **state)
{
    struct fixture *f = *state;
    const char *text = text_of(f, follow(f, NULL, shop(&f->arena), NULL));
    struct catalog read;
    assert_int_equal(decode(f, edited(f, text, "{", "{\"colour\":\"blue\","), &read), STATUS_OK);
}

/* Whatever comes out of broken bytes is refused in words, or is a whole catalog. */
static void random_damage_is_refused_or_makes_a_whole_catalog(void **state)
{
    struct fixture *f = *state;
    struct catalog *first = follow(f, NULL, shop(&f->arena), NULL);
    const char *text =
        text_of(f, follow(f, first, shop_with(&f->arena, "a: int32, b: list<string>"), NULL));
    size_t size = strlen(text);
    char *damaged = malloc(size);
    assert_non_null(damaged);
    srand(2);
    int taken = 0;
    for (int round = 0; round < 20000; round++) {
        struct arena arena;
        arena_init(&arena, 0);
        memcpy(damaged, text, size);
        for (int edits = rand() % 3 + 1; edits > 0; edits--)
            damaged[(size_t)rand() % size] =
                rand() % 2 ? (char)rand() : text[(size_t)rand() % size];
        size_t kept = rand() % 10 ? size : (size_t)rand() % size;
        struct catalog read;
        struct error err = {0};
        enum status status = catalog_decode((struct bytes){damaged, kept}, &arena, &read, &err);
        if (status) {
            assert_int_equal(status, STATUS_CORRUPT);
            assert_true(text_is_valid(bytes_of_text(err.message)));
        } else {
            struct catalog again;
            struct bytes once = catalog_encode(&read, &arena);
            assert_int_equal(catalog_decode(once, &arena, &again, &err), STATUS_OK);
            assert_true(bytes_equal(catalog_encode(&again, &arena), once));
            taken++;
        }
        arena_release(&arena);
    }
    free(damaged);
    assert_true(taken > 0 && taken < 20000);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(first_version_numbers_everything),
        TEST(ids_stay_with_their_names),
        TEST(a_view_that_returns_is_a_new_one),
        TEST(each_list_of_features_gets_a_number),
        TEST(taking_over_starts_generations_of_views_that_were_there),
        TEST(a_switch_changes_the_generation_of_one_view_and_nothing_else),
        TEST(registries_begin_with_generations_of_their_own),
        TEST(views_of_equally_encoded_keys_share_a_key_set),
        TEST(the_last_schema_number_is_the_end),
        TEST(the_text_reads_back_the_same),
        TEST(the_text_is_ascii_whatever_is_described),
        TEST(any_history_reads_back_and_reuses_no_number),
        TEST(what_does_not_agree_is_corrupt),
        TEST(members_of_a_newer_program_are_left_alone),
        TEST(random_damage_is_refused_or_makes_a_whole_catalog),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
