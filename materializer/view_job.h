/*
 * view_job.h - one run of one feature view: from the choice of its window to its watermark.
 *
 * materialize.c calls it for view after view. The rows are all acknowledged before the watermark
 * moves, so a run that ends anywhere leaves nothing that the next one does not make good.
 */
#ifndef LARDER_MATERIALIZER_VIEW_JOB_H
#define LARDER_MATERIALIZER_VIEW_JOB_H

#include "materializer/materialize.h"

/*
 * Fills run as far as it came. *outdated: others have changed what the view's rows are, or where
 * they are read, before this was done; read the catalog anew. Rows that it wrote for nobody are
 * then recorded as removed, and *left_rows is set. What is borrowed stays the caller's; texts go
 * into the arena. FAILED: the online store lost rows while others were written; CONFLICT: another
 * registry took it over.
 */
enum status view_job_run(const struct materialize_stores *stores,
                         const struct materialize_request *request, const struct catalog *catalog,
                         const struct catalog_view *view, const struct view_state *state,
                         struct arena *arena, struct view_run *run, bool *outdated, bool *left_rows,
                         struct error *err);

/* Tells the listener, if there is one. */
void request_warn(const struct materialize_request *request, const char *text);

#endif
