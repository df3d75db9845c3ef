/* slack.c - see slack.h. */
#include "server/slack.h"

#include "base/resident_memory.h"

#include <malloc.h>

void slack_look(struct slack *slack)
{
    uint64_t now_bytes = resident_memory_bytes();
    if (now_bytes < slack->left_bytes)
        slack->left_bytes = now_bytes;
    if (now_bytes < slack->left_bytes + SLACK_MIN_BYTES)
        slack->look_count = 0;
    else if (++slack->look_count == SLACK_LOOKS) {
        malloc_trim(0);
        *slack = (struct slack){.left_bytes = resident_memory_bytes()};
    }
}
