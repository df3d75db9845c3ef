/* checkup_server.c - the server, if one runs. */
#include "cli/checkup.h"
#include "sdk/c/include/larder/larder.h"

enum { TIMEOUT_MS = 1000 };

static enum larder_result ask(const char *address, bool *serving, struct larder_error *err)
{
    struct larder_client *client;
    enum larder_result result = larder_connect(address, NULL, &client, err);
    if (result == LARDER_OK)
        result = larder_check_health(client, "larder.v1.FeatureService", TIMEOUT_MS, serving, err);
    larder_close(client);
    return result;
}

/* A server may well run on another machine, or not yet: that none is here is nothing wrong. */
void checkup_server(struct checkup *checkup)
{
    struct larder_error err;
    bool serving = false;
    diagnosis_begin(checkup->diagnosis, "server");
    if (!checkup->has_settings) {
        diagnosis_cannot_see(checkup->diagnosis, "the settings come first");
        return;
    }
    const char *address = checkup->repository.settings.server.grpc;
    enum larder_result result = ask(address, &serving, &err);
    if (result == LARDER_UNAVAILABLE) {
        diagnosis_cannot_see(checkup->diagnosis, "%s", err.message);
        return;
    }
    diagnosis_see(checkup->diagnosis, "%s", address);
    if (result != LARDER_OK)
        diagnosis_find(checkup->diagnosis, FINDING_ERROR, "%s", err.message);
    else if (!serving)
        diagnosis_find(checkup->diagnosis, FINDING_ERROR,
                       "it is not serving: its online store is away, or it is stopping; its log "
                       "says which");
}
