/*
 * bench_peak.c - how long a command takes, and how much memory: bench_peak COMMAND...
 *
 * Says so as a last line of JSON, behind what the command says; a command that fails makes this
 * fail. A program of its own, since a child begins with the peak of whoever made it, and Python's
 * may be larger than what is measured.
 */
#include "tests/bench/arguments.h"
#include "tests/bench/latency.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int count, char **words)
{
    struct rusage usage;
    int code = 0;
    if (count < 2)
        die("needs a command");
    int64_t start_ns = latency_now_ns();
    pid_t pid = fork();
    if (pid < 0)
        die("cannot start %s: %s", words[1], strerror(errno));
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        execvp(words[1], words + 1);
        die("cannot start %s: %s", words[1], strerror(errno));
    }
    while (wait4(pid, &code, 0, &usage) < 0)
        if (errno != EINTR)
            die("cannot wait for %s: %s", words[1], strerror(errno));
    if (!WIFEXITED(code) || WEXITSTATUS(code) != 0)
        die("%s did not end well", words[1]);
    printf("{\"seconds\": %.6f, \"peak_kib\": %ld}\n", (double)(latency_now_ns() - start_ns) / 1e9,
           usage.ru_maxrss);
    return EXIT_SUCCESS;
}
