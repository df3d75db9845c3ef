/*
 * resident_memory.h - how much memory this process has from the system, as operators see it.
 *
 * A file is read for each answer: this is not for every request. Any thread.
 */
#ifndef LARDER_BASE_RESIDENT_MEMORY_H
#define LARDER_BASE_RESIDENT_MEMORY_H

#include <stdint.h>

/* 0 where the system does not tell. */
uint64_t resident_memory_bytes(void);

#endif
