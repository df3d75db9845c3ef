/* checkup_machine.c - what stores and this machine share: time, and disks. */
#include "base/timestamp.h"
#include "cli/checkup.h"

#include <sys/statvfs.h>

/* A push may be ahead by the limit of the second (design: clock_skew). */
static const int64_t skew_hint_us = INT64_C(1000000), skew_wrong_us = INT64_C(5000000);
/* Of a disk; runs write more than the rows that stay. */
static const uint64_t room_hint_bytes = UINT64_C(1) << 30, room_wrong_bytes = UINT64_C(64) << 20;
enum { ROOM_HINT_PERCENT = 5 };

/* Clocks -------------------------------------------------------------------------------------- */

static const char *seconds_text(int64_t us, struct arena *arena)
{
    char text[DURATION_TEXT_SIZE];
    duration_format(us / 1000000 * 1000000, text);
    return arena_text(arena, text);
}

/* why: what goes by this clock. */
static void compare_clock(struct checkup *checkup, const struct examination *says, const char *why)
{
    int64_t ahead_us = says->clock_ahead_us;
    int64_t off_us = ahead_us < 0 ? -ahead_us : ahead_us;
    if (says->has_clock && off_us >= skew_hint_us)
        diagnosis_find(checkup->diagnosis, off_us >= skew_wrong_us ? FINDING_ERROR : FINDING_HINT,
                       "the clock of %s is %s %s this machine's, and %s: set both, by NTP for "
                       "instance",
                       says->version, seconds_text(off_us, checkup->arena),
                       ahead_us > 0 ? "ahead of" : "behind", why);
}

void checkup_clocks(struct checkup *checkup)
{
    const struct examination *offline = &checkup->offline_says, *online = &checkup->online_says;
    diagnosis_begin(checkup->diagnosis, "clocks");
    if (!offline->version && !online->version)
        diagnosis_cannot_see(checkup->diagnosis, "no store can be asked");
    else if (!offline->has_clock && !online->has_clock)
        diagnosis_see(checkup->diagnosis, "this machine's alone");
    else
        diagnosis_see(checkup->diagnosis, "this machine's%s%s%s%s", offline->has_clock ? ", " : "",
                      offline->has_clock ? offline->version : "", online->has_clock ? ", " : "",
                      online->has_clock ? online->version : "");
    compare_clock(checkup, offline, "it says which rows are due, while ages are told here");
    compare_clock(checkup, online, "rows expire by it");
}

/* Disks --------------------------------------------------------------------------------------- */

struct room {
    uint64_t free_bytes, all_bytes;
};

/* False: it is not to be seen. */
static bool measure(const char *folder, struct room *room)
{
    struct statvfs facts;
    if (!folder || statvfs(folder, &facts) != 0)
        return false;
    room->free_bytes = (uint64_t)facts.f_bavail * facts.f_frsize;
    room->all_bytes = (uint64_t)facts.f_blocks * facts.f_frsize;
    return true;
}

static void judge_room(struct checkup *checkup, const char *folder, struct room room)
{
    bool is_wrong = room.free_bytes < room_wrong_bytes;
    bool is_little = room.free_bytes < room_hint_bytes ||
                     room.free_bytes < room.all_bytes / 100 * ROOM_HINT_PERCENT;
    if (is_wrong || is_little)
        diagnosis_find(checkup->diagnosis, is_wrong ? FINDING_ERROR : FINDING_HINT,
                       "the disk that holds %s has %s left of %s: make room, before writes fail",
                       folder, size_text(room.free_bytes, checkup->arena),
                       size_text(room.all_bytes, checkup->arena));
}

void checkup_disks(struct checkup *checkup)
{
    const struct {
        const char *of, *folder;
    } disks[] = {{"the history", checkup->offline_says.folder},
                 {"the online store", checkup->online_says.folder}};
    const char *seen = "";
    diagnosis_begin(checkup->diagnosis, "disks");
    for (size_t i = 0; i < COUNT_OF(disks); i++) {
        struct room room;
        if (!measure(disks[i].folder, &room))
            continue;
        seen = arena_printf(checkup->arena, "%s%s%s free for %s", seen, *seen ? ", " : "",
                            size_text(room.free_bytes, checkup->arena), disks[i].of);
        judge_room(checkup, disks[i].folder, room);
    }
    if (*seen)
        diagnosis_see(checkup->diagnosis, "%s", seen);
    else
        diagnosis_cannot_see(checkup->diagnosis, "none that a store uses can be seen from here");
}
