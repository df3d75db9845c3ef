/* test_listen_address.c - where the server may listen, and why it may not. */
#include "server/listen_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

static int listen_count;

/* The C library's, for all that this program is made of. */
int listen(int fd, int backlog)
{
    listen_count++;
    return (int)syscall(SYS_listen, fd, backlog);
}

/* Whoever connected to a look that listens would be reset when it lets go again. */
static void a_free_address_is_fine_and_nobody_is_let_in_by_the_look(void **state)
{
    (void)state;
    struct error err;
    assert_int_equal(listen_address_check("server.grpc", "127.0.0.1:0", &err), STATUS_OK);
    assert_int_equal(listen_address_check("server.grpc", "localhost:0", &err), STATUS_OK);
    assert_int_equal(listen_count, 0);
}

static void what_is_no_address_is_invalid(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",     "6566",          "127.0.0.1", ":6566", "[::1]", "localhost:", "127.0.0.1:http!",
        "[]:1", "no such host:1"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(listen_address_check("server.grpc", wrong[i], NULL), STATUS_INVALID);
}

static void a_taken_port_is_told_with_its_reason(void **state)
{
    (void)state;
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one), 0); /* as gRPC */
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    char text[64];
    struct error err;
    snprintf(text, sizeof text, "127.0.0.1:%d", ntohs(address.sin_port));
    assert_int_equal(listen_address_check("server.grpc", text, &err), STATUS_CONFLICT);
    assert_non_null(strstr(err.message, text));
    assert_non_null(strstr(err.message, "in use"));
    close(fd);
}

static void another_port_keeps_the_host(void **state)
{
    (void)state;
    char text[64];
    listen_address_with_port("[::1]:0", 77, text, sizeof text);
    assert_string_equal(text, "[::1]:77");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_free_address_is_fine_and_nobody_is_let_in_by_the_look),
        cmocka_unit_test(what_is_no_address_is_invalid),
        cmocka_unit_test(a_taken_port_is_told_with_its_reason),
        cmocka_unit_test(another_port_keeps_the_host),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
