/*
 * reload.h - keeps the newest definitions published, on a thread of its own.
 *
 * It reads the registry, hears of applies, and publishes a snapshot for each new version; an empty
 * one when the project is removed. While PostgreSQL is away, or is a standby that has not heard of
 * them yet, it takes the definitions that apply left in the online store instead, if these belong
 * to the registry that the online store belongs to; newer ones that it finds in the registry it
 * stores there. It never gives up and never fails: what it waits for, it says in the log, once for
 * each change. Nobody waits for it but a request that met a row of newer definitions, or may lack
 * one for theirs, which asks for a reading that begins after it asked.
 */
#ifndef LARDER_SERVER_RELOAD_H
#define LARDER_SERVER_RELOAD_H

#include "config/settings.h"
#include "server/answer/snapshot.h"
#include "server/reload_facts.h"

#include <stdbool.h>
#include <stdint.h>

struct reload;

/* wake_fd: an eventfd, written when a snapshot was published. settings and cell outlive it. */
enum status reload_start(const struct settings *settings, struct snapshot_cell *cell, int wake_fd,
                         struct reload **reload, struct error *err);
/* Within a second or two, whatever hangs; accepts NULL. */
void reload_stop(struct reload *reload);

/* Any thread: has the definitions read again. The ticket is done when a reading that began after
 * this call has ended, whatever it found. */
uint64_t reload_ask(struct reload *reload);
bool reload_is_done(const struct reload *reload, uint64_t ticket);

/* The identity of the registry whose definitions are published; 0 before the first. */
uint64_t reload_identity(const struct reload *reload);
/* Any thread: what its last look found. */
void reload_tell(struct reload *reload, struct reload_facts *facts);

#endif
