/* verify.c - see verify.h. */
#include "training/verify.h"

#include "training/verify_view.h"

enum status verify(const struct verify_stores *stores, const struct verify_request *request,
                   struct arena *arena, struct verified_view **views, size_t *count,
                   struct error *err)
{
    const struct catalog_view **chosen;
    size_t wanted;
    *views = NULL;
    *count = 0;
    enum status status = catalog_choose_online(request->catalog, request->views,
                                               request->view_count, arena, &chosen, &wanted, err);
    if (status)
        return status;
    *views = arena_array(arena, wanted + 1, sizeof **views);
    for (; !status && *count < wanted; *count += !status)
        status = verify_view_run(stores, request, chosen[*count]->view->about.name, arena,
                                 &(*views)[*count], err);
    return status;
}
