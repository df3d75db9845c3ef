/* interrupt.c - see interrupt.h. */
#include "cli/interrupt.h"

#include <signal.h>
#include <stdbool.h>
#include <unistd.h>

enum { GRACE_S = 3 };

static atomic_bool interrupted;
static volatile sig_atomic_t by_signal;

/* What hangs has not looked at the flag. The exit is then as if there were no handler. */
static void end_now(int number)
{
    static const char words[] = "larder: stopped in the middle of something that did not end\n";
    ssize_t written = write(STDERR_FILENO, words, sizeof words - 1);
    (void)written;
    (void)number;
    raise(by_signal); /* its handler is the default one again */
}

static void note(int number)
{
    by_signal = number;
    atomic_store(&interrupted, true);
    alarm(GRACE_S);
}

const atomic_bool *interrupt_watch(void)
{
    struct sigaction action = {.sa_handler = note, .sa_flags = (int)SA_RESETHAND | SA_RESTART};
    struct sigaction end = {.sa_handler = end_now};
    sigaction(SIGALRM, &end, NULL);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    return &interrupted;
}
