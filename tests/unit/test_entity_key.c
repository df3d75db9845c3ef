/* Keys of rows in the online store: base/entity_key.h. */
#include "base/entity_key.h"

#include "base/timestamp.h"
#include "base_random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

enum { KEYS_MAX = 3, TEXT_MAX = 6, TUPLES = 6000 };

/* The values of one key, with the room that their texts live in. */
struct tuple {
    uint32_t ids[4];
    struct value values[KEYS_MAX];
    char texts[KEYS_MAX][TEXT_MAX];
    size_t count;
    uint8_t key[256];
    size_t key_size;
};

static void encode(struct tuple *tuple)
{
    struct buffer key;
    buffer_init(&key, 0);
    entity_key_begin(&key, tuple->ids[0], tuple->ids[1], tuple->values, tuple->count);
    entity_key_end(&key, tuple->ids[2], tuple->ids[3]);
    assert_true(key.size <= sizeof tuple->key);
    memcpy(tuple->key, key.data, key.size);
    tuple->key_size = key.size;
    buffer_release(&key);
}

static size_t key_size_of(const struct value *values, size_t count)
{
    struct tuple tuple = {.ids = {1, 1, 1, 1}, .count = count};
    memcpy(tuple.values, values, count * sizeof *values);
    encode(&tuple);
    return tuple.key_size;
}

/* Integers around all the places where a varint grows or a sign changes. */
static int64_t random_integer(struct random_source *source)
{
    int64_t near = (int64_t)random_below(source, 5) - 2;
    switch (random_below(source, 4)) {
    case 0:
        return (int64_t)random_below(source, 30) - 15;
    case 1:
        return (int64_t)((UINT64_C(61) << random_below(source, 57)) + (uint64_t)near);
    case 2:
        return (int64_t)((UINT64_C(1) << random_below(source, 64)) + (uint64_t)near);
    default:
        return (int64_t)random_bits(source);
    }
}

static struct value random_value(struct random_source *source, value_type type, char *text)
{
    static const char hard[] = {0, 1, 2, 3, 4, '{', '}', 'a', (char)0x80, (char)0xff};
    struct value value = {.type = type};
    if (type == TYPE_BOOL) {
        value.boolean = random_below(source, 2);
    } else if (type == TYPE_INT32) {
        value.int32 = (int32_t)random_integer(source);
    } else if (type == TYPE_STRING || type == TYPE_BYTES) {
        value.bytes = (struct bytes){text, random_below(source, TEXT_MAX)};
        for (size_t i = 0; i < value.bytes.size; i++)
            text[i] = hard[random_below(source, sizeof hard)];
    } else {
        value.int64 = random_integer(source);
    }
    return value;
}

static void fill(struct random_source *source, struct tuple *tuple, const value_type *types,
                 size_t count)
{
    for (size_t i = 0; i < 4; i++)
        tuple->ids[i] = random_below(source, 4) ? (uint32_t)random_below(source, 3)
                                                : (uint32_t)random_integer(source);
    tuple->count = count;
    for (size_t i = 0; i < count; i++)
        tuple->values[i] = random_value(source, types[i], tuple->texts[i]);
    encode(tuple);
}

static int compare_keys(const void *a, const void *b)
{
    const struct tuple *first = *(struct tuple *const *)a;
    const struct tuple *second = *(struct tuple *const *)b;
    size_t size = first->key_size < second->key_size ? first->key_size : second->key_size;
    int order = memcmp(first->key, second->key, size);
    return order ? order
                 : (first->key_size > second->key_size) - (first->key_size < second->key_size);
}

static bool tuples_equal(const struct tuple *a, const struct tuple *b)
{
    bool equal = memcmp(a->ids, b->ids, sizeof a->ids) == 0;
    for (size_t i = 0; i < a->count; i++)
        equal = equal && value_equal(&a->values[i], &b->values[i]);
    return equal;
}

/* Sorts all keys of one key set; neighbours with one key must be one tuple. */
static void check_different_tuples_differ(struct random_source *source, const value_type *types,
                                          size_t count)
{
    struct tuple *tuples = calloc(TUPLES, sizeof *tuples);
    struct tuple **sorted = calloc(TUPLES, sizeof *sorted);
    for (size_t i = 0; i < TUPLES; i++) {
        fill(source, &tuples[i], types, count);
        sorted[i] = &tuples[i];
    }
    qsort(sorted, TUPLES, sizeof(struct tuple *), compare_keys);
    for (size_t i = 1; i < TUPLES; i++) {
        bool same_key = compare_keys(&sorted[i - 1], &sorted[i]) == 0;
        assert_int_equal(same_key, tuples_equal(sorted[i - 1], sorted[i]));
    }
    free(sorted);
    free(tuples);
}

static void two_different_tuples_never_encode_alike(void **state)
{
    (void)state;
    struct random_source source = {2024};
    static const value_type key_sets[][KEYS_MAX] = {
        {TYPE_BOOL},
        {TYPE_INT64},
        {TYPE_STRING},
        {TYPE_INT32, TYPE_INT32},
        {TYPE_STRING, TYPE_STRING},
        {TYPE_BYTES, TYPE_INT64, TYPE_BYTES},
        {TYPE_STRING, TYPE_BOOL, TYPE_STRING},
        {TYPE_TIMESTAMP, TYPE_BYTES, TYPE_INT32},
    };
    for (size_t i = 0; i < COUNT_OF(key_sets); i++) {
        size_t count = 0;
        while (count < KEYS_MAX && key_sets[i][count])
            count++;
        check_different_tuples_differ(&source, key_sets[i], count);
    }
}

static void braces_enclose_the_entity_and_stand_nowhere_else(void **state)
{
    (void)state;
    struct random_source source = {7};
    static const value_type types[] = {TYPE_BYTES, TYPE_INT64, TYPE_STRING};
    for (int i = 0; i < 20000; i++) {
        struct tuple tuple;
        fill(&source, &tuple, types, 3);
        size_t opening = 0, closing = 0;
        for (size_t j = 0; j < tuple.key_size; j++) {
            opening += tuple.key[j] == '{';
            closing += tuple.key[j] == '}';
        }
        assert_int_equal(tuple.key[0], '{');
        assert_int_equal(opening, 1);
        assert_int_equal(closing, 1);
        assert_true(tuple.key[1] != '}');
    }
}

static void one_and_twelve_is_not_eleven_and_two(void **state)
{
    (void)state;
    struct tuple a = {.count = 2}, b = {.count = 2};
    for (value_type type = TYPE_INT32; type <= TYPE_INT64; type++) {
        a.values[0] = a.values[1] = b.values[0] = b.values[1] = (struct value){.type = type};
        a.values[0].int64 = 1;
        a.values[1].int64 = 12;
        b.values[0].int64 = 11;
        b.values[1].int64 = 2;
        encode(&a);
        encode(&b);
        assert_int_not_equal(compare_keys(&(struct tuple *){&a}, &(struct tuple *){&b}), 0);
    }
    a.values[0] = (struct value){.type = TYPE_STRING, .bytes = bytes_of_text("1")};
    a.values[1] = (struct value){.type = TYPE_STRING, .bytes = bytes_of_text("12")};
    b.values[0] = (struct value){.type = TYPE_STRING, .bytes = bytes_of_text("11")};
    b.values[1] = (struct value){.type = TYPE_STRING, .bytes = bytes_of_text("2")};
    encode(&a);
    encode(&b);
    assert_int_not_equal(compare_keys(&(struct tuple *){&a}, &(struct tuple *){&b}), 0);
}

static void both_widths_of_an_integer_are_one_key(void **state)
{
    (void)state;
    static const int32_t numbers[] = {0, 1, -1, 60, 61, -61, 1 << 20, INT32_MIN, INT32_MAX};
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        struct tuple narrow = {.count = 1}, wide = {.count = 1};
        narrow.values[0] = (struct value){.type = TYPE_INT32, .int32 = numbers[i]};
        wide.values[0] = (struct value){.type = TYPE_INT64, .int64 = numbers[i]};
        encode(&narrow);
        encode(&wide);
        assert_int_equal(compare_keys(&(struct tuple *){&narrow}, &(struct tuple *){&wide}), 0);
    }
}

static void integers_make_short_keys(void **state)
{
    (void)state;
    struct value value = {.type = TYPE_INT64};
    for (int64_t number = 0; number < 1 << 20; number += 97) {
        value.int64 = number;
        assert_true(key_size_of(&value, 1) <= 10);
    }
    value.int64 = (1 << 20) - 1;
    assert_int_equal(key_size_of(&value, 1), 10);
    static const int64_t extremes[] = {INT64_MIN, INT64_MAX, TIMESTAMP_MIN, TIMESTAMP_MAX};
    for (size_t i = 0; i < COUNT_OF(extremes); i++) {
        value.int64 = extremes[i];
        assert_true(key_size_of(&value, 1) <= 16);
    }
}

static void ids_are_read_back(void **state)
{
    (void)state;
    struct random_source source = {99};
    static const value_type types[] = {TYPE_BYTES, TYPE_INT64};
    for (int i = 0; i < 20000; i++) {
        struct tuple tuple;
        struct entity_key_ids ids;
        fill(&source, &tuple, types, 2);
        assert_true(entity_key_parse((struct bytes){tuple.key, tuple.key_size}, &ids));
        uint32_t found[] = {ids.project_id, ids.key_set_id, ids.view_id, ids.generation};
        assert_memory_equal(found, tuple.ids, sizeof found);
    }
}

static void values_are_read_back(void **state)
{
    (void)state;
    struct random_source source = {3};
    struct arena arena;
    static const value_type types[] = {TYPE_BYTES, TYPE_INT64,     TYPE_INT32,
                                       TYPE_BOOL,  TYPE_TIMESTAMP, TYPE_BYTES};
    arena_init(&arena, 0);
    for (size_t first = 0; first + KEYS_MAX <= COUNT_OF(types); first++) {
        for (int i = 0; i < 20000; i++) {
            struct tuple tuple;
            struct value values[KEYS_MAX];
            fill(&source, &tuple, types + first, KEYS_MAX);
            assert_true(entity_key_values((struct bytes){tuple.key, tuple.key_size}, types + first,
                                          KEYS_MAX, &arena, values));
            for (size_t j = 0; j < KEYS_MAX; j++)
                assert_true(value_equal(&values[j], &tuple.values[j]));
            arena_reset(&arena);
        }
    }
    arena_release(&arena);
}

static void values_of_other_types_are_refused(void **state)
{
    (void)state;
    static const struct {
        struct bytes key;
        value_type type;
    } wrong[] = {
        {{"{\1\1}\1\1", 6}, TYPE_INT64},     /* none */
        {{"{\1\1\2\2}\1\1", 8}, TYPE_INT64}, /* two */
        {{"{\1\1\2}\1\1", 7}, TYPE_BOOL},    /* neither false nor true */
        {{"{\1\1"
          "a}\1\1",
          7},
         TYPE_STRING},                                      /* without an end */
        {{"{\1\1\1\0}\1\1", 8}, TYPE_BYTES},                /* an escape of nothing */
        {{"{\1\1\xff\0}\1\1", 8}, TYPE_STRING},             /* no text */
        {{"{\1\1\x80\1}\1\1", 8}, TYPE_INT64},              /* a leading zero */
        {{"{\1\1\x9f\xff\xff\xff\1}\1\1", 11}, TYPE_INT32}, /* over 32 bits */
        {{"{\1\1\xff\xff\xff\xff\xff\xff\xff\xff\xff\1}\1\1", 16}, TYPE_INT64},
    };
    struct arena arena;
    struct value value;
    arena_init(&arena, 0);
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        assert_false(entity_key_values(wrong[i].key, &wrong[i].type, 1, &arena, &value));
    arena_release(&arena);
}

static void what_is_no_key_is_refused(void **state)
{
    (void)state;
    static const struct bytes wrong[] = {
        {"", 0},
        {"{", 1},
        {"{\1\1", 3},
        {"{\1}\1\1", 5},
        {"{\1\1}", 4},
        {"{\1\1}\1", 5},
        {"{\1\1}\1\1\1", 7},                    /* bytes behind it */
        {"\1\1}\1\1", 5},                       /* no brace */
        {"{\1\1{}\1\1", 7},                     /* a brace inside */
        {"{\1\1}\1}", 6},                       /* a brace behind */
        {"{\1\1}\x80\1\1", 7},                  /* a leading zero */
        {"{\1\1}\1\x81", 6},                    /* a varint cut off */
        {"{\1\1}\1\x7a", 6},                    /* no last byte of a varint */
        {"{\1\1}\1\x83\xff\xff\xff\xff\1", 10}, /* an id over 32 bits */
    };
    struct entity_key_ids ids;
    for (size_t i = 0; i < COUNT_OF(wrong); i++)
        if (entity_key_parse(wrong[i], &ids))
            fail_msg("case %zu was taken for a key", i);
    assert_true(entity_key_parse((struct bytes){"{\1\2}\3\4", 6}, &ids));
    assert_int_equal(ids.generation, 4);
    assert_false(entity_key_parse((struct bytes){NULL, 0}, &ids));
}

static void no_cut_key_is_a_key(void **state)
{
    (void)state;
    struct random_source source = {5};
    static const value_type types[] = {TYPE_STRING};
    for (int i = 0; i < 2000; i++) {
        struct tuple tuple;
        struct entity_key_ids ids;
        fill(&source, &tuple, types, 1);
        for (size_t size = 0; size < tuple.key_size; size++)
            assert_false(entity_key_parse((struct bytes){tuple.key, size}, &ids));
    }
}

static void keys_of_a_project_begin_alike(void **state)
{
    (void)state;
    struct random_source source = {31};
    static const value_type types[] = {TYPE_STRING};
    for (int i = 0; i < 5000; i++) {
        struct tuple tuple;
        struct buffer prefix;
        uint32_t other = (uint32_t)random_below(&source, 1000);
        fill(&source, &tuple, types, 1);
        buffer_init(&prefix, 0);
        entity_key_project_prefix(&prefix, tuple.ids[0]);
        assert_memory_equal(tuple.key, prefix.data, prefix.size);
        buffer_clear(&prefix);
        entity_key_project_prefix(&prefix, other);
        bool same =
            prefix.size <= tuple.key_size && memcmp(tuple.key, prefix.data, prefix.size) == 0;
        assert_int_equal(same, other == tuple.ids[0]);
        buffer_release(&prefix);
    }
}

static void size_is_known_without_making_the_key(void **state)
{
    (void)state;
    struct random_source source = {31};
    static const value_type types[] = {TYPE_BOOL,   TYPE_INT32, TYPE_INT64,
                                       TYPE_STRING, TYPE_BYTES, TYPE_TIMESTAMP};
    for (size_t i = 0; i < TUPLES; i++) {
        struct tuple tuple;
        value_type some[KEYS_MAX];
        for (size_t k = 0; k < KEYS_MAX; k++)
            some[k] = types[random_below(&source, COUNT_OF(types))];
        fill(&source, &tuple, some, random_below(&source, KEYS_MAX + 1));
        struct entity_key_ids ids = {tuple.ids[0], tuple.ids[1], tuple.ids[2], tuple.ids[3]};
        assert_int_equal(entity_key_size(&ids, tuple.values, tuple.count), tuple.key_size);
    }
}

static void a_key_that_is_too_long_shows_by_its_size(void **state)
{
    (void)state;
    char text[ENTITY_KEY_MAX] = {0};
    struct value value = {.type = TYPE_BYTES, .bytes = {text, sizeof text}};
    struct buffer key;
    buffer_init(&key, 0);
    entity_key_begin(&key, 1, 1, &value, 1);
    entity_key_end(&key, 1, 1);
    assert_true(key.size > ENTITY_KEY_MAX);
    buffer_release(&key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_different_tuples_never_encode_alike),
        cmocka_unit_test(braces_enclose_the_entity_and_stand_nowhere_else),
        cmocka_unit_test(one_and_twelve_is_not_eleven_and_two),
        cmocka_unit_test(both_widths_of_an_integer_are_one_key),
        cmocka_unit_test(integers_make_short_keys),
        cmocka_unit_test(ids_are_read_back),
        cmocka_unit_test(values_are_read_back),
        cmocka_unit_test(values_of_other_types_are_refused),
        cmocka_unit_test(what_is_no_key_is_refused),
        cmocka_unit_test(no_cut_key_is_a_key),
        cmocka_unit_test(keys_of_a_project_begin_alike),
        cmocka_unit_test(size_is_known_without_making_the_key),
        cmocka_unit_test(a_key_that_is_too_long_shows_by_its_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
