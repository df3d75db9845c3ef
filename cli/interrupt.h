/*
 * interrupt.h - Ctrl-C and SIGTERM as a flag that long work looks at. The one place where a signal
 * handler, and so a global, is needed.
 */
#ifndef LARDER_CLI_INTERRUPT_H
#define LARDER_CLI_INTERRUPT_H

#include <stdatomic.h>

/* From now on SIGINT and SIGTERM set the flag. A second signal ends the process as usual; so does
 * the first after three seconds in which nobody looked, because a store hangs or somebody holds a
 * lock. */
const atomic_bool *interrupt_watch(void);

#endif
