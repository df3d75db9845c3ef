/* interrupt.c - see interrupt.h. */
#include "cli/interrupt.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <unistd.h>

enum { GRACE_S = 3 };

static atomic_bool interrupted;
static volatile sig_atomic_t by_signal;
static volatile sig_atomic_t nothing = -1; /* a file that is at its end */

/* What hangs has not looked at the flag. The exit is then as if there were no handler. */
static void end_now(int number)
{
    static const char words[] = "larder: stopped in the middle of something that did not end\n";
    ssize_t written = write(STDERR_FILENO, words, sizeof words - 1);
    (void)written;
    (void)number;
    raise(by_signal); /* its handler is the default one again */
}

/* A read that waits begins again behind this, and finds the other file. */
static void note(int number)
{
    int before = errno;
    by_signal = number;
    atomic_store(&interrupted, true);
    if (nothing >= 0)
        dup2(nothing, STDIN_FILENO);
    alarm(GRACE_S);
    errno = before;
}

const atomic_bool *interrupt_watch(void)
{
    struct sigaction action = {.sa_handler = note, .sa_flags = (int)SA_RESETHAND | SA_RESTART};
    struct sigaction end = {.sa_handler = end_now};
    nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    sigaction(SIGALRM, &end, NULL);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    return &interrupted;
}
