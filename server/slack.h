/*
 * slack.h - memory that malloc keeps after a storm, given back to the system.
 *
 * malloc gives back what is free at the end of a heap alone: one block in use there, and hundreds
 * of MiB that a storm of calls took and freed stay with the process. So whoever has time looks
 * every SLACK_LOOK_MS. Where SLACK_MIN_BYTES more than were left the last time are resident at
 * SLACK_LOOKS looks in a row, all that is free is given back.
 *
 * Seldom and not at once, since both have a price: giving back holds up who allocates meanwhile,
 * for 0.1 to 0.3 ms a MiB, and what is taken again costs the kernel's time for every page. Memory
 * in use, which grows once and stays, costs a walk over what is free (under a millisecond).
 *
 * One thread.
 */
#ifndef LARDER_SERVER_SLACK_H
#define LARDER_SERVER_SLACK_H

#include <stdint.h>

enum { SLACK_LOOK_MS = 10 * 1000, SLACK_LOOKS = 3, SLACK_MIN_BYTES = 64 * 1024 * 1024 };

/* Zeros at the beginning. */
struct slack {
    uint64_t left_bytes; /* resident at the last giving back, or less since */
    unsigned look_count; /* in a row that found more */
};

void slack_look(struct slack *slack);

#endif
