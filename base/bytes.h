/*
 * bytes.h - a borrowed run of bytes: where it begins and how long it is.
 *
 * Passed by value everywhere. It owns nothing; whoever hands one out says how long it lives. An
 * absent thing has data NULL; an empty one has size 0 and data that is not NULL.
 */
#ifndef LARDER_BASE_BYTES_H
#define LARDER_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

struct bytes {
    const void *data;
    size_t size;
};

static inline struct bytes bytes_of_text(const char *text)
{
    return (struct bytes){text, strlen(text)};
}

static inline bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

#endif
