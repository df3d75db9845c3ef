/*
 * gate.h - a socket that stands before another one, and can be shut.
 *
 * It passes bytes between one caller at a time and the socket of that path. While it is shut
 * nothing passes, in either direction, and nobody is let in; whoever was let in before stays
 * connected.
 */
#ifndef LARDER_TESTS_GATE_H
#define LARDER_TESTS_GATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

struct gate {
    const char *target; /* the other socket's path */
    char path[128];     /* its own */
    int listener;
    pthread_t thread;
    atomic_bool is_shut, is_held, done;
};

/* Listens beside the other one; both paths outlive it. */
void gate_open(struct gate *gate, const char *target);
void gate_close(struct gate *gate);

/* When it returns, nothing passes any more. */
void gate_shut(struct gate *gate);
void gate_unshut(struct gate *gate);

#endif
