/*
 * verify_view.h - one feature view compared: from what is online to what counts as a difference.
 *
 * verify.c calls it for view after view. Definitions and watermark are read anew for each, since
 * others may apply and materialize meanwhile.
 */
#ifndef LARDER_TRAINING_VERIFY_VIEW_H
#define LARDER_TRAINING_VERIFY_VIEW_H

#include "training/verify.h"

/* Fills the report, in the arena; nothing in it borrows from elsewhere. Errors as verify's. */
enum status verify_view_run(const struct verify_stores *stores,
                            const struct verify_request *request, const char *name,
                            struct arena *arena, struct verified_view *report, struct error *err);

#endif
