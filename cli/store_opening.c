/* store_opening.c - see store_opening.h. */
#include "cli/store_opening.h"

#include "store/offline/offline_store.h"

#include <signal.h>
#include <string.h>

static void *open_store(void *argument)
{
    struct store_opening *opening = argument;
    opening->status = offline_store_open(opening->settings, &opening->store, &opening->err);
    return NULL;
}

/* Signals are for the thread that waits for them. */
static bool start(struct store_opening *opening)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = pthread_create(&opening->thread, NULL, open_store, opening) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

void store_opening_begin(struct store_opening *opening, const struct settings *settings)
{
    *opening = (struct store_opening){.settings = settings};
    if (strcmp(settings->offline_store.type, "postgres") == 0)
        opening->has_thread = start(opening);
}

enum status store_opening_take(struct store_opening *opening, struct offline_store **store,
                               struct error *err)
{
    if (!opening->has_thread)
        return offline_store_open(opening->settings, store, err);
    pthread_join(opening->thread, NULL);
    opening->has_thread = false;
    *store = opening->store;
    if (opening->status && err)
        *err = opening->err;
    return opening->status;
}

void store_opening_drop(struct store_opening *opening)
{
    struct offline_store *store = NULL;
    if (opening->has_thread && !store_opening_take(opening, &store, NULL))
        offline_store_close(store);
}
