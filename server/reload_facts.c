/* reload_facts.c - see reload_facts.h. */
#include "server/reload_facts.h"

#include <stdio.h>

void reload_facts_count_rebuilds(struct reload_facts *facts, const struct catalog *catalog,
                                 const struct view_state *states)
{
    facts->rebuild_count = 0;
    for (size_t i = 0; i < catalog->definitions.view_count; i++) {
        const struct feature_view *view = catalog->views[i].view;
        if (!view->online || states[i].pending_generation == 0)
            continue;
        if (facts->rebuild_count < RELOAD_REBUILDS_NAMED)
            snprintf(facts->rebuilds[facts->rebuild_count], sizeof facts->rebuilds[0], "%s",
                     view->about.name);
        facts->rebuild_count++;
    }
}

void reload_facts_tell(struct reload_notice_board *board, const struct reload_facts *facts)
{
    pthread_mutex_lock(&board->lock);
    board->facts = *facts;
    pthread_mutex_unlock(&board->lock);
}

void reload_facts_read(struct reload_notice_board *board, struct reload_facts *facts)
{
    pthread_mutex_lock(&board->lock);
    *facts = board->facts;
    pthread_mutex_unlock(&board->lock);
}
