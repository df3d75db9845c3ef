/* resident_memory.c - see resident_memory.h. */
#include "base/resident_memory.h"

#include <stdio.h>
#include <unistd.h>

uint64_t resident_memory_bytes(void)
{
    unsigned long long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file && fscanf(file, "%*u %llu", &pages) != 1)
        pages = 0;
    if (file)
        fclose(file);
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}
