/* lost_rows.c - see lost_rows.h. */
#include "materializer/lost_rows.h"

enum status lost_rows_find(struct online_store *online, const struct catalog *catalog,
                           const struct view_state *states, struct arena *arena, bool **lost,
                           struct error *err)
{
    size_t count = catalog->definitions.view_count;
    struct online_mark *marks = arena_array(arena, count, sizeof *marks);
    int64_t *positions = arena_array(arena, count, sizeof *positions);
    for (size_t i = 0; i < count; i++)
        marks[i] = (struct online_mark){.writer = WRITTEN_MARK,
                                        .project_id = catalog->project_id,
                                        .view_id = catalog->views[i].id,
                                        .generation = catalog->views[i].generation};
    enum status status = online_store_read_marks(online, marks, count, positions, err);
    *lost = arena_array(arena, count, sizeof **lost);
    for (size_t i = 0; !status && i < count; i++)
        (*lost)[i] = is_behind(positions[i], &states[i]);
    return status;
}
