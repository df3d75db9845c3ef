/* test_stream.c - what a stream may do next, whatever happens in whatever order. */
#include "server/stream.h"

#include "base/bytes.h"
#include "tests/unit/base_random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void check_next(struct stream *stream, enum stream_step step)
{
    assert_int_equal(stream_next(stream, true), step);
}

static void take(struct stream *stream, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        check_next(stream, STREAM_RECEIVE);
        assert_true(stream_took(stream));
    }
}

static void one_message_at_a_time_is_received_and_sent(void **state)
{
    (void)state;
    struct stream stream = {0};
    take(&stream, 2);
    check_next(&stream, STREAM_RECEIVE);
    check_next(&stream, STREAM_REST);
    assert_true(stream_answered(&stream));
    assert_true(stream_answered(&stream));
    check_next(&stream, STREAM_SEND);
    check_next(&stream, STREAM_REST);
    stream_sent(&stream, true);
    check_next(&stream, STREAM_SEND);
    stream_sent(&stream, true);
    check_next(&stream, STREAM_REST);
}

static void a_stream_takes_in_so_many_until_answers_were_sent(void **state)
{
    (void)state;
    struct stream stream = {0};
    take(&stream, STREAM_REQUESTS_MAX);
    check_next(&stream, STREAM_REST);
    stream_answered(&stream);
    check_next(&stream, STREAM_SEND);
    check_next(&stream, STREAM_REST);
    stream_sent(&stream, true);
    take(&stream, 1);
    check_next(&stream, STREAM_REST);
}

static void without_room_it_pauses_and_goes_on(void **state)
{
    (void)state;
    struct stream stream = {0};
    assert_int_equal(stream_next(&stream, false), STREAM_PAUSE);
    assert_int_equal(stream_next(&stream, false), STREAM_PAUSE);
    take(&stream, 1);
    stream_answered(&stream);
    assert_int_equal(stream_next(&stream, false), STREAM_SEND);
}

static void the_status_comes_after_all_answers(void **state)
{
    (void)state;
    struct stream stream = {0};
    take(&stream, 2);
    check_next(&stream, STREAM_RECEIVE);
    stream_finish(&stream);
    assert_false(stream_took(&stream)); /* the end of the peer's messages */
    stream_answered(&stream);
    check_next(&stream, STREAM_SEND);
    stream_sent(&stream, true);
    check_next(&stream, STREAM_REST);
    stream_answered(&stream);
    check_next(&stream, STREAM_SEND);
    check_next(&stream, STREAM_REST);
    stream_sent(&stream, true);
    check_next(&stream, STREAM_END);
    check_next(&stream, STREAM_REST);
    stream_sent(&stream, true);
    check_next(&stream, STREAM_REST);
    stream_closed(&stream);
    check_next(&stream, STREAM_RELEASE);
}

static void what_comes_after_it_was_finished_is_dropped(void **state)
{
    (void)state;
    struct stream stream = {0};
    check_next(&stream, STREAM_RECEIVE);
    stream_finish(&stream);
    check_next(&stream, STREAM_END);
    assert_false(stream_took(&stream));
    check_next(&stream, STREAM_REST);
}

static void a_closed_stream_waits_for_what_is_on_its_way_and_in_hand(void **state)
{
    (void)state;
    struct stream stream = {0};
    take(&stream, 3);
    check_next(&stream, STREAM_RECEIVE);
    stream_answered(&stream);
    stream_answered(&stream);
    check_next(&stream, STREAM_SEND);
    stream_closed(&stream);
    check_next(&stream, STREAM_REST);
    stream_sent(&stream, false);
    assert_false(stream_took(&stream));
    check_next(&stream, STREAM_REST);
    assert_false(stream_answered(&stream));
    check_next(&stream, STREAM_RELEASE);
}

static void after_a_message_that_was_not_sent_nothing_is_sent(void **state)
{
    (void)state;
    struct stream stream = {0};
    take(&stream, 2);
    stream_answered(&stream);
    check_next(&stream, STREAM_SEND);
    stream_sent(&stream, false);
    assert_false(stream_answered(&stream));
    check_next(&stream, STREAM_REST);
    stream_closed(&stream);
    check_next(&stream, STREAM_RELEASE);
}

/* A walk of anything that may happen ----------------------------------------------------------- */

/* What gRPC and the worker are busy with, and what has been seen. */
struct walk {
    struct stream stream;
    size_t messages_left, in_hand, taken, answered, sent;
    bool is_receiving, is_sending, is_status, is_half_closed, is_ended, is_closed, is_released;
};

static void carry_out(struct walk *w, bool has_room)
{
    for (;;) {
        enum stream_step step = stream_next(&w->stream, has_room);
        assert_false(w->is_released);
        if (step == STREAM_REST || step == STREAM_PAUSE)
            return;
        if (step == STREAM_RECEIVE) {
            assert_true(has_room && !w->is_receiving && !w->is_closed && !w->is_ended);
            assert_true(w->taken - w->sent < STREAM_REQUESTS_MAX);
            w->is_receiving = true;
        } else if (step == STREAM_RELEASE) {
            assert_true(w->is_closed && !w->is_receiving && !w->is_sending && w->in_hand == 0);
            w->is_released = true;
            return;
        } else {
            assert_true(!w->is_sending && !w->is_closed && !w->is_ended);
            w->is_sending = true;
            w->is_status = w->is_ended = step == STREAM_END;
            assert_true(step == STREAM_SEND ? w->sent < w->answered : w->sent == w->taken);
        }
    }
}

static void receive_something(struct walk *w)
{
    if (!w->is_receiving)
        return;
    w->is_receiving = false;
    if (w->messages_left == 0 || w->is_closed) {
        stream_finish(&w->stream);
        assert_false(stream_took(&w->stream));
    } else {
        w->messages_left--;
        bool is_taken = stream_took(&w->stream);
        w->taken += is_taken;
        w->in_hand += is_taken;
    }
}

static void answer_something(struct walk *w)
{
    if (w->in_hand == 0)
        return;
    w->in_hand--;
    w->answered += stream_answered(&w->stream);
}

static void send_something(struct walk *w, bool success)
{
    if (!w->is_sending)
        return;
    w->is_sending = false;
    w->sent += !w->is_status;
    stream_sent(&w->stream, success);
}

static void happen(struct walk *w, uint64_t chance, bool may_break)
{
    switch (chance % 8) {
    case 0:
    case 1:
        receive_something(w);
        break;
    case 2:
    case 3:
        answer_something(w);
        break;
    case 4:
    case 5:
        send_something(w, !w->is_closed);
        break;
    case 6:
        if (chance % 1000 == 6) /* we stop */
            stream_finish(&w->stream);
        break;
    default:
        /* gRPC closes a call once its status was sent; or the peer goes, at any time. */
        if ((w->is_ended && !w->is_sending) || (may_break && chance % 500 == 7)) {
            w->is_closed = true;
            stream_closed(&w->stream);
        }
    }
}

static void every_walk_ends_with_each_request_answered_once(void **state)
{
    (void)state;
    struct random_source random = {1};
    for (size_t i = 0; i < 3000; i++) {
        bool may_break = i % 2;
        struct walk w = {.messages_left = i % 300};
        for (size_t step = 0; !w.is_released; step++) {
            assert_true(step < 100000);
            uint64_t chance = random_bits(&random) >> 8;
            carry_out(&w, chance % 16 != 0);
            if (!w.is_released)
                happen(&w, chance >> 8, may_break);
        }
        if (!may_break)
            assert_true(w.sent == w.taken && w.is_ended);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_message_at_a_time_is_received_and_sent),
        cmocka_unit_test(a_stream_takes_in_so_many_until_answers_were_sent),
        cmocka_unit_test(without_room_it_pauses_and_goes_on),
        cmocka_unit_test(the_status_comes_after_all_answers),
        cmocka_unit_test(what_comes_after_it_was_finished_is_dropped),
        cmocka_unit_test(a_closed_stream_waits_for_what_is_on_its_way_and_in_hand),
        cmocka_unit_test(after_a_message_that_was_not_sent_nothing_is_sent),
        cmocka_unit_test(every_walk_ends_with_each_request_answered_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
