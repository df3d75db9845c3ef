/* A number that many threads add to: base/counter.h. */
#include "base/counter.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { THREADS = 4, ADDITIONS = 20000 };

static void *add_many(void *counter)
{
    for (int i = 0; i < ADDITIONS; i++)
        counter_add(counter, 3);
    return NULL;
}

static void no_addition_is_lost_between_threads(void **state)
{
    (void)state;
    struct counter counter = {0};
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, add_many, &counter), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(counter_read(&counter), 3 * THREADS * ADDITIONS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(no_addition_is_lost_between_threads)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
