/*
 * sqlite_watch.c - waits for news that a version was applied.
 *
 * SQLite tells nobody, so the versions are read again and again: a few small reads of what is in
 * memory, most of the time. Loads and runs write to the file, too, and are no news.
 */
#include "store/registry/sqlite_registry.h"

#include "base/timestamp.h"

#include <errno.h>
#include <poll.h>

enum { LOOK_EVERY_MS = 150 };

static const char doing[] = "listening for changes";

static enum status append_versions(struct sqlite_registry *r, struct buffer *versions,
                                   struct error *err)
{
    sqlite3_stmt *statement;
    bool row = false;
    buffer_printf(versions, "%llx", (unsigned long long)r->identity);
    enum status status = sqlite_statement_open(
        r, doing, "SELECT id, version FROM @project ORDER BY id", NULL, 0, &statement, err);
    while (!status && !(status = sqlite_step(statement, doing, &row, err)) && row)
        buffer_printf(versions, " %lld:%lld", (long long)sqlite3_column_int64(statement, 0),
                      (long long)sqlite3_column_int64(statement, 1));
    sqlite3_finalize(statement);
    return status;
}

/* Of all projects, as one text; empty where nothing is applied. */
static enum status read_versions(struct sqlite_registry *r, struct buffer *versions,
                                 struct error *err)
{
    enum status status = sqlite_transaction_read(r, err);
    if (status)
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    status = append_versions(r, versions, err);
    sqlite_transaction_end(r);
    return status;
}

static enum status look(struct sqlite_registry *r, bool *changed, struct error *err)
{
    struct buffer versions;
    buffer_init(&versions, 0);
    enum status status = read_versions(r, &versions, err);
    if (!status) {
        *changed =
            !r->listening || !bytes_equal(buffer_bytes(&versions), buffer_bytes(&r->versions));
        buffer_clear(&r->versions);
        buffer_append(&r->versions, versions.data, versions.size);
        r->listening = true;
    }
    buffer_release(&versions);
    return status;
}

static int next_look_ms(int timeout_ms, int64_t begin_us)
{
    if (timeout_ms < 0)
        return LOOK_EVERY_MS;
    int64_t left_ms = timeout_ms - (timestamp_monotonic_us() - begin_us) / 1000;
    return left_ms < LOOK_EVERY_MS ? (int)left_ms : LOOK_EVERY_MS;
}

enum status sqlite_registry_wait(struct registry *registry, int timeout_ms, int wake_fd,
                                 bool *changed, struct error *err)
{
    struct sqlite_registry *r = sqlite_registry_of(registry);
    int64_t begin_us = timestamp_monotonic_us();
    for (;;) {
        enum status status = look(r, changed, err);
        int wait_ms = next_look_ms(timeout_ms, begin_us);
        if (status || *changed || wait_ms <= 0)
            return status;
        struct pollfd wake = {.fd = wake_fd, .events = POLLIN}; /* a negative fd is left out */
        int ready = poll(&wake, 1, wait_ms);
        if (ready > 0)
            return STATUS_OK;
        if (ready < 0 && errno != EINTR)
            return fail(err, STATUS_FAILED, "%s: %s", doing, strerror(errno));
    }
}
