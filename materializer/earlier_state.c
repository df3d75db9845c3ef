/* earlier_state.c - see earlier_state.h. */
#include "materializer/earlier_state.h"

static uint32_t next_generation(const struct catalog_view *view, const struct view_state *state)
{
    return state->pending_generation ? state->pending_generation : view->generation;
}

enum status begun_marks_read(struct online_store *online, const struct catalog *catalog,
                             const struct view_state *states, struct arena *arena,
                             struct begun_marks *marks, struct error *err)
{
    size_t view_count = catalog->definitions.view_count;
    size_t count = view_count * BEGUN_GENERATIONS;
    struct online_mark *asked = arena_array(arena, count, sizeof *asked);
    marks->firsts = arena_array(arena, view_count, sizeof *marks->firsts);
    marks->positions = arena_array(arena, count, sizeof *marks->positions);
    for (size_t i = 0; i < view_count; i++)
        marks->firsts[i] = next_generation(&catalog->views[i], &states[i]);
    for (size_t i = 0; i < count; i++)
        asked[i] = (struct online_mark){
            .writer = BEGUN_MARK,
            .project_id = catalog->project_id,
            .view_id = catalog->views[i / BEGUN_GENERATIONS].id,
            .generation = marks->firsts[i / BEGUN_GENERATIONS] + (uint32_t)(i % BEGUN_GENERATIONS),
        };
    return online_store_read_marks(online, asked, count, marks->positions, err);
}

/* The last generation of a view that was written to behind what is reached; 0: none was. */
static uint32_t last_ahead(const struct begun_marks *marks, size_t view, int64_t reached)
{
    uint32_t last = 0;
    for (uint32_t i = 0; i < BEGUN_GENERATIONS; i++)
        if (marks->positions[view * BEGUN_GENERATIONS + i] > reached)
            last = marks->firsts[view] + i;
    return last;
}

/* Each time round gives every such view its next number. *going: there was one. */
static enum status renew(struct registry *registry, const struct catalog *catalog,
                         const struct begun_marks *marks, int64_t reached, struct arena *arena,
                         bool *going, struct error *err)
{
    struct view_state *states;
    enum status status = registry_view_states(registry, catalog, arena, &states, err);
    *going = false;
    for (size_t i = 0; i < catalog->definitions.view_count && !status; i++) {
        if (next_generation(&catalog->views[i], &states[i]) > last_ahead(marks, i, reached))
            continue;
        *going = true;
        status = registry_mark_stale(registry, catalog, &states[i],
                                     "the database is at an earlier state than the online store",
                                     true, err);
    }
    return status;
}

/* No more often than there are numbers: a view that an apply has given another generation meanwhile
 * takes none. */
enum status earlier_state_rebuild(struct registry *registry, const struct catalog *catalog,
                                  const struct begun_marks *marks, int64_t reached,
                                  struct arena *arena, bool *found, struct error *err)
{
    enum status status = STATUS_OK;
    bool going = true;
    *found = false;
    for (int i = 0; i < BEGUN_GENERATIONS && going && !status; i++) {
        status = renew(registry, catalog, marks, reached, arena, &going, err);
        *found = *found || going;
    }
    return status;
}
