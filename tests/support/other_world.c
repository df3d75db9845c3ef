/*
 * other_world.c - another time and a fuller disk, for a program that this is preloaded into.
 *
 *     LARDER_TEST_CLOCK_AHEAD_S   seconds that its clock is ahead of the machine's; may be negative
 *     LARDER_TEST_DISK_FREE       bytes that are left on every disk
 */
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <time.h>

typedef int clock_function(clockid_t clock, struct timespec *time);
typedef int disk_function(const char *path, struct statvfs64 *facts);

int clock_gettime(clockid_t clock, struct timespec *time)
{
    clock_function *next;
    *(void **)&next = dlsym(RTLD_NEXT, "clock_gettime");
    const char *ahead = getenv("LARDER_TEST_CLOCK_AHEAD_S");
    int code = next(clock, time);
    if (ahead && clock == CLOCK_REALTIME)
        time->tv_sec += strtol(ahead, NULL, 10);
    return code;
}

/* Programs call the one or the other, as they were compiled. */
int statvfs(const char *restrict path, struct statvfs *restrict facts)
{
    struct statvfs64 larger;
    int code = statvfs64(path, &larger);
    facts->f_bavail = larger.f_bavail;
    facts->f_blocks = larger.f_blocks;
    facts->f_frsize = larger.f_frsize;
    return code;
}

int statvfs64(const char *restrict path, struct statvfs64 *restrict facts)
{
    disk_function *next;
    *(void **)&next = dlsym(RTLD_NEXT, "statvfs64");
    const char *left = getenv("LARDER_TEST_DISK_FREE");
    int code = next(path, facts);
    if (left && code == 0)
        facts->f_bavail = strtoul(left, NULL, 10) / facts->f_frsize;
    return code;
}
