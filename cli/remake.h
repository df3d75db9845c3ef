/*
 * remake.h - a training set made again from its manifest: what `training-set --from-manifest M`
 * asks for, and what is to be said of it.
 *
 * The definitions are those that the manifest was made from: the version that it names, as the
 * registry keeps it, or the newest, if that gives the same columns from the same views. Nothing
 * that the manifest says may be given as an option, too.
 */
#ifndef LARDER_CLI_REMAKE_H
#define LARDER_CLI_REMAKE_H

#include "cli/options.h"
#include "config/settings.h"
#include "store/registry/registry.h"
#include "training/manifest.h"

struct remake {
    const char *path; /* of the manifest */
    struct manifest then;
};

/* INVALID: an option says what the manifest says, too. */
enum status remake_check(const struct options *options, struct error *err);
/* Reads --from-manifest, and fills what the request has from it. INVALID, NOT_FOUND or FAILED. */
enum status remake_read(const struct options *options, struct remake *remake,
                        struct training_request *request, struct error *err);
/* The catalog and the selection of the request. INVALID: the definitions have changed, and those of
 * then are not kept any more. */
enum status remake_select(const struct remake *remake, const struct settings *settings,
                          struct registry *registry, struct arena *arena, struct catalog *catalog,
                          struct selection *selection, struct error *err);
/* Before it runs: what may keep the bytes from being the same. */
void remake_warn(const struct remake *remake, const struct training_request *request);
/* Behind it: that they are the same, or what differs. */
void remake_tell(const struct remake *remake, const struct training_request *request,
                 const struct manifest *now, bool is_other, struct arena *arena);

#endif
