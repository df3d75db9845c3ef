/* lmdb_turn.c - see lmdb_turn.h. */
#include "store/online/lmdb_turn.h"

#include "base/timestamp.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

/* Bytes of the file. NEXT is held by the one that waits for WRITING before all others: whoever has
 * just written has to wait behind it. */
enum { WRITING = 0, NEXT = 1, OPENING = 2 };

enum { LOOK_US = 500 }; /* the system tells when a lock is free, but cannot stop waiting in time */

int lmdb_turn_open(struct lmdb_turn *turn, const char *folder)
{
    char path[4096];
    int size = snprintf(path, sizeof path, "%s/turn.lock", folder);
    if (size >= (int)sizeof path)
        return ENAMETOOLONG;
    turn->file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    return turn->file < 0 ? errno : 0;
}

void lmdb_turn_close(struct lmdb_turn *turn)
{
    if (turn->file >= 0)
        close(turn->file);
    turn->file = -1;
}

/* A lock of the open file, not of the process: so two threads exclude each other, and closing
 * another handle's file does not end it. */
static bool set_lock(const struct lmdb_turn *turn, int byte, int type)
{
    struct flock lock = {.l_type = (short)type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
    return fcntl(turn->file, F_OFD_SETLK, &lock) == 0;
}

static bool wait_for_lock(const struct lmdb_turn *turn, int byte, int64_t deadline_us)
{
    const struct timespec pause = {.tv_nsec = LOOK_US * 1000};
    while (!set_lock(turn, byte, F_WRLCK)) {
        if (timestamp_monotonic_us() >= deadline_us)
            return false;
        nanosleep(&pause, NULL);
    }
    return true;
}

bool lmdb_turn_take(const struct lmdb_turn *turn, int64_t deadline_us)
{
    if (!wait_for_lock(turn, NEXT, deadline_us))
        return false;
    bool is_taken = wait_for_lock(turn, WRITING, deadline_us);
    set_lock(turn, NEXT, F_UNLCK);
    return is_taken;
}

void lmdb_turn_give(const struct lmdb_turn *turn)
{
    set_lock(turn, WRITING, F_UNLCK);
}

bool lmdb_turn_take_opening(const struct lmdb_turn *turn, int64_t deadline_us)
{
    return wait_for_lock(turn, OPENING, deadline_us);
}

void lmdb_turn_give_opening(const struct lmdb_turn *turn)
{
    set_lock(turn, OPENING, F_UNLCK);
}
