/* test_redis_reply.c - answers that arrive whole, in pieces, or one behind the other. */
#include "store/online/redis_reply.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const char two_answers[] = "*4\r\n$3\r\na\r\n\r\n$-1\r\n:-42\r\n*2\r\n+OK\r\n-ERR no\r\n"
                                  "$0\r\n\r\n";

static void check_text(const struct redis_reply *reply, enum reply_type type, const char *text)
{
    assert_int_equal(reply->type, type);
    assert_true(bytes_equal(reply->text, bytes_of_text(text)));
}

static void check_first(const struct redis_reply *reply)
{
    assert_int_equal(reply->type, REPLY_LIST);
    assert_int_equal(reply->count, 4);
    check_text(&reply->elements[0], REPLY_TEXT, "a\r\n");
    assert_int_equal(reply->elements[1].type, REPLY_NIL);
    assert_null(reply->elements[1].text.data);
    assert_int_equal(reply->elements[2].type, REPLY_INTEGER);
    assert_int_equal(reply->elements[2].integer, -42);
    assert_int_equal(reply->elements[3].type, REPLY_LIST);
    check_text(&reply->elements[3].elements[0], REPLY_STATUS, "OK");
    check_text(&reply->elements[3].elements[1], REPLY_ERROR, "ERR no");
}

/* Feeds the answers in pieces of this size, into an arena each. */
static void check_in_pieces(size_t size)
{
    struct arena arena;
    arena_init(&arena, 0);
    struct redis_parser *parser = redis_parser_open();
    struct redis_reply *replies[3] = {0};
    size_t count = 0;
    for (size_t at = 0; at < sizeof two_answers - 1; at += size) {
        size_t left = sizeof two_answers - 1 - at;
        redis_parser_feed(parser, two_answers + at, left < size ? left : size);
        struct redis_reply *reply;
        do {
            assert_int_equal(redis_parser_next(parser, &arena, &reply, NULL), STATUS_OK);
            if (reply)
                replies[count++] = reply;
        } while (reply && count < 3);
    }
    redis_parser_close(parser); /* answers are the arena's */
    assert_int_equal(count, 2);
    check_first(replies[0]);
    check_text(replies[1], REPLY_TEXT, "");
    assert_non_null(replies[1]->text.data);
    arena_release(&arena);
}

static void answers_may_arrive_in_pieces_of_any_size(void **state)
{
    (void)state;
    for (size_t size = 1; size < sizeof two_answers; size++)
        check_in_pieces(size);
}

static void rubbish_breaks_the_parser_for_good(void **state)
{
    (void)state;
    struct arena arena;
    struct redis_reply *reply;
    struct error err;
    arena_init(&arena, 0);
    struct redis_parser *parser = redis_parser_open();
    redis_parser_feed(parser, "?what\r\n", 7);
    assert_int_equal(redis_parser_next(parser, &arena, &reply, &err), STATUS_CORRUPT);
    redis_parser_feed(parser, "+OK\r\n", 5);
    assert_int_equal(redis_parser_next(parser, &arena, &reply, &err), STATUS_CORRUPT);
    redis_parser_close(parser);
    arena_release(&arena);
}

/* A Redis speaks them only to who asks for them, and newer versions of hiredis know them. */
static void types_of_the_newer_protocol_are_no_answers(void **state)
{
    static const char *const answers[] = {",1.5\r\n",
                                          "#t\r\n",
                                          "(12345678901234567890\r\n",
                                          "=7\r\ntxt:abc\r\n",
                                          "%1\r\n+a\r\n+b\r\n",
                                          "~1\r\n+a\r\n",
                                          ">2\r\n+a\r\n+b\r\n",
                                          "*1\r\n,1.5\r\n",
                                          "*2\r\n+a\r\n#f\r\n",
                                          "*1\r\n%1\r\n+a\r\n+b\r\n"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(answers); i++) {
        struct arena arena;
        struct redis_reply *reply;
        struct error err;
        arena_init(&arena, 0);
        struct redis_parser *parser = redis_parser_open();
        redis_parser_feed(parser, answers[i], strlen(answers[i]));
        assert_int_equal(redis_parser_next(parser, &arena, &reply, &err), STATUS_CORRUPT);
        redis_parser_close(parser);
        arena_release(&arena);
    }
}

static void lists_without_end_are_refused_before_they_take_memory(void **state)
{
    (void)state;
    struct arena arena;
    struct redis_reply *reply;
    struct error err;
    arena_init(&arena, 0);
    struct redis_parser *parser = redis_parser_open();
    redis_parser_feed(parser, "*600000\r\n*600000\r\n", 18);
    assert_int_equal(redis_parser_next(parser, &arena, &reply, &err), STATUS_CORRUPT);
    assert_non_null(strstr(err.message, "1000000 elements"));
    assert_true(arena.used_bytes < 64u * 1024 * 1024);
    redis_parser_close(parser);
    arena_release(&arena);
}

static void count_of_elements_begins_anew_with_each_answer(void **state)
{
    (void)state;
    struct arena arena;
    struct redis_reply *reply;
    arena_init(&arena, 0);
    struct redis_parser *parser = redis_parser_open();
    for (int i = 0; i < 5; i++) {
        redis_parser_feed(parser, "*300000\r\n", 9);
        for (int j = 0; j < 300000; j++)
            redis_parser_feed(parser, "$-1\r\n", 5);
        assert_int_equal(redis_parser_next(parser, &arena, &reply, NULL), STATUS_OK);
        assert_non_null(reply);
        assert_int_equal(reply->count, 300000);
        arena_reset(&arena);
    }
    redis_parser_close(parser);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_may_arrive_in_pieces_of_any_size),
        cmocka_unit_test(rubbish_breaks_the_parser_for_good),
        cmocka_unit_test(types_of_the_newer_protocol_are_no_answers),
        cmocka_unit_test(lists_without_end_are_refused_before_they_take_memory),
        cmocka_unit_test(count_of_elements_begins_anew_with_each_answer),
    };
    return cmocka_run_group_tests_name("redis reply", tests, NULL, NULL);
}
