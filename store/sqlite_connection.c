/* sqlite_connection.c - see sqlite_connection.h. */
#include "store/sqlite_connection.h"

#include "base/timestamp.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum {
    OPEN_AGAIN_MAX = 3,
    TRY_WAL_FOR_US = 1000000,
    TRY_WAL_EVERY_MS = 10,
    LOOK_AGAIN_MS = 2,
    ADVICE_SIZE = 512
};

static enum status status_of(int code)
{
    switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL: /* too many at once have begun to read */
        return STATUS_UNAVAILABLE;
    case SQLITE_INTERRUPT:
        return STATUS_CANCELLED;
    case SQLITE_FULL:
        return STATUS_EXHAUSTED;
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
        return STATUS_CORRUPT;
    default:
        return STATUS_FAILED;
    }
}

static bool is_refused(const char *path)
{
    return access(path, W_OK) != 0 && errno != ENOENT;
}

/* Who may only read the file leaves those beside it behind, and then its owner may not write. */
static void advise_on_rights(const char *path, char advice[ADVICE_SIZE])
{
    static const char *const ends[] = {"-wal", "-shm"};
    char beside[ADVICE_SIZE];
    for (size_t i = 0; i < COUNT_OF(ends) && !is_refused(path); i++) {
        snprintf(beside, sizeof beside, "%s%s", path, ends[i]);
        if (!is_refused(beside))
            continue;
        snprintf(advice, ADVICE_SIZE,
                 "; this user may not write to the file beside it that ends in %s, which another "
                 "user made: have it made writable, or run as that user",
                 ends[i]);
        return;
    }
    snprintf(advice, ADVICE_SIZE,
             "; this user may not write to it or to its folder: give it the right, or run as "
             "another user");
}

static const char no_room[] = "; make room on its disk, and run this again",
                  no_room_anywhere[] = "; make room on its disk, and on that of temporary files "
                                       "(TMPDIR, or /var/tmp), and run this again";

static bool disk_is_full(const char *path)
{
    enum { TOO_FEW_BLOCKS = 64 };
    struct statvfs facts;
    return statvfs(path, &facts) == 0 && facts.f_bavail < TOO_FEW_BLOCKS;
}

/* What SQLite's own words leave open. */
static const char *advice_of(int code, const char *path, char advice[ADVICE_SIZE])
{
    switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
        return "; another process writes to it: try again, or set a longer timeout";
    case SQLITE_CANTOPEN:
        return "; is its folder there, and may this user write to it?";
    case SQLITE_READONLY:
        advise_on_rights(path, advice);
        return advice;
    case SQLITE_FULL:
        return disk_is_full(path) ? no_room : no_room_anywhere;
    case SQLITE_NOTADB:
        return "; it is no SQLite database: name another path";
    case SQLITE_CORRUPT:
        return "; it is damaged: put it back from a copy";
    default:
        return "";
    }
}

static bool file_sizes_are_limited(void)
{
    struct rlimit limit;
    return getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
}

/* SQLite calls it an input/output error where not the database itself finds no room, but what
 * stands beside it, or where a limit keeps it from growing. */
static enum status fail_to_read_or_write(const char *doing, const char *path, const char *words,
                                         struct error *err)
{
    if (disk_is_full(path))
        return fail(err, STATUS_EXHAUSTED, "%s: SQLite says of %s: %s%s", doing, path,
                    sqlite3_errstr(SQLITE_FULL), no_room);
    if (file_sizes_are_limited())
        return fail(err, STATUS_EXHAUSTED,
                    "%s: SQLite says of %s: %s; a limit of file sizes is in force: raise it, and "
                    "run this again",
                    doing, path, words);
    return fail(err, STATUS_FAILED, "%s: SQLite says of %s: %s", doing, path, words);
}

enum status sqlite_fail(sqlite3 *connection, const char *doing, struct error *err)
{
    char advice[ADVICE_SIZE];
    int code = sqlite3_errcode(connection);
    const char *words = sqlite3_errmsg(connection);
    const char *path = sqlite3_db_filename(connection, "main");
    if (!path || !*path)
        path = "its database";
    if (status_of(code) == STATUS_CANCELLED)
        return fail(err, STATUS_CANCELLED, "%s: stopped", doing);
    if ((code & 0xff) == SQLITE_IOERR)
        return fail_to_read_or_write(doing, path, words, err);
    return fail(err, status_of(code), "%s: SQLite says of %s: %s%s", doing, path, words,
                advice_of(code, path, advice));
}

static bool is_folder(const char *path)
{
    struct stat facts;
    return stat(path, &facts) == 0 && S_ISDIR(facts.st_mode);
}

static bool has_no_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    char folder[PATH_MAX];
    if (!slash || slash == path)
        return false;
    snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path);
    return access(folder, F_OK) != 0 && errno == ENOENT;
}

/* 0 gives up. */
static int wait_for_lock(void *context, int attempts)
{
    struct sqlite_patience *patience = context;
    int64_t now_us = timestamp_monotonic_us();
    if (attempts == 0)
        patience->since_us = now_us;
    if ((now_us - patience->since_us) / 1000 >= patience->limit_ms(patience->context))
        return 0;
    poll(NULL, 0, LOOK_AGAIN_MS);
    return 1;
}

/* Where a file cannot be opened to be written, SQLite opens it to be read. One that another process
 * makes between the two would stay so, though it may be written. */
static int open_connection(const char *path, int flags, sqlite3 **connection)
{
    for (int tries = 0;; tries++) {
        int code = sqlite3_open_v2(path, connection, flags, NULL);
        if (code || sqlite3_db_readonly(*connection, "main") != 1 || access(path, W_OK) != 0 ||
            tries == OPEN_AGAIN_MAX)
            return code;
        sqlite_disconnect(*connection);
    }
}

enum status sqlite_connect(const char *path, struct sqlite_patience *patience, bool make,
                           sqlite3 **connection, struct error *err)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (make ? SQLITE_OPEN_CREATE : 0);
    char advice[ADVICE_SIZE];
    enum status status = STATUS_OK;
    int code = open_connection(path, flags, connection);
    if (!*connection)
        out_of_memory();
    /* Another look could find a file that somebody has made since. */
    if (code && !make && sqlite3_system_errno(*connection) == ENOENT)
        status = fail(err, STATUS_NOT_FOUND, "there is no file %s", path);
    else if (code && is_folder(path))
        status =
            fail(err, STATUS_FAILED, "%s is a folder: offline_store.path has to name a file", path);
    else if (code && has_no_folder(path))
        status = fail(err, STATUS_FAILED,
                      "%s: the folder that is to hold it does not exist: make that, or correct "
                      "offline_store.path",
                      path);
    else if (code)
        status = fail(err, status_of(code), "opening %s: SQLite says: %s%s", path,
                      sqlite3_errmsg(*connection), advice_of(code, path, advice));
    if (!status) {
        sqlite3_extended_result_codes(*connection, 1);
        sqlite3_busy_handler(*connection, wait_for_lock, patience);
        sqlite3_db_config(*connection, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
        /* Else a misspelt column in double quotes is a text, which every row then holds. */
        sqlite3_db_config(*connection, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    }
    if (status) {
        sqlite_disconnect(*connection);
        *connection = NULL;
    }
    return status;
}

void sqlite_disconnect(sqlite3 *connection)
{
    sqlite3_close_v2(connection);
}

enum status sqlite_run(sqlite3 *connection, const char *doing, const char *sql, struct error *err)
{
    return sqlite3_exec(connection, sql, NULL, NULL, NULL) ? sqlite_fail(connection, doing, err)
                                                           : STATUS_OK;
}

enum status sqlite_prepare(sqlite3 *connection, const char *doing, const char *sql,
                           sqlite3_stmt **statement, struct error *err)
{
    *statement = NULL;
    return sqlite3_prepare_v2(connection, sql, -1, statement, NULL)
               ? sqlite_fail(connection, doing, err)
               : STATUS_OK;
}

enum status sqlite_step(sqlite3_stmt *statement, const char *doing, bool *row, struct error *err)
{
    int code = sqlite3_step(statement);
    *row = code == SQLITE_ROW;
    return *row || code == SQLITE_DONE ? STATUS_OK
                                       : sqlite_fail(sqlite3_db_handle(statement), doing, err);
}

/* The mode stays with the file. It can only be set outside a transaction. */
static enum status set_wal(sqlite3 *connection, const char *doing, struct error *err)
{
    sqlite3_stmt *statement;
    bool row = false;
    enum status status =
        sqlite_prepare(connection, doing, "PRAGMA journal_mode = WAL", &statement, err);
    if (status)
        return status;
    status = sqlite_step(statement, doing, &row, err);
    if (!status && row && strcmp((const char *)sqlite3_column_text(statement, 0), "wal") != 0)
        status =
            fail(err, STATUS_FAILED,
                 "%s: the database cannot be put into WAL mode (it stays in the mode %s); keep "
                 "it on a local disk",
                 doing, (const char *)sqlite3_column_text(statement, 0));
    sqlite3_finalize(statement);
    return status;
}

static enum status begin_immediate(sqlite3 *connection, const char *doing, struct error *err)
{
    return sqlite_run(connection, doing, "BEGIN IMMEDIATE", err);
}

/* Of several that set it at once, some fail at once and are not made to wait: SQLite would have
 * them wait for each other. They take a turn as writers first, who are. */
static enum status use_wal(sqlite3 *connection, const char *doing, struct error *err)
{
    int64_t until_us = timestamp_monotonic_us() + TRY_WAL_FOR_US;
    enum status status = set_wal(connection, doing, err);
    while (status == STATUS_UNAVAILABLE && timestamp_monotonic_us() < until_us) {
        if (begin_immediate(connection, doing, err))
            break;
        sqlite_rollback(connection);
        sqlite3_sleep(TRY_WAL_EVERY_MS);
        status = set_wal(connection, doing, err);
    }
    return status;
}

enum status sqlite_begin_write(sqlite3 *connection, const char *doing, struct error *err)
{
    sqlite_rollback(connection);
    enum status status = use_wal(connection, doing, err);
    if (!status)
        status = sqlite_run(connection, doing, "PRAGMA synchronous = FULL", err);
    return status ? status : begin_immediate(connection, doing, err);
}

enum status sqlite_commit(sqlite3 *connection, const char *doing, struct error *err)
{
    return sqlite_run(connection, doing, "COMMIT", err);
}

void sqlite_rollback(sqlite3 *connection)
{
    if (!sqlite3_get_autocommit(connection))
        sqlite3_exec(connection, "ROLLBACK", NULL, NULL, NULL);
}

void sqlite_append_identifier(struct buffer *sql, const char *identifier)
{
    buffer_append_byte(sql, '"');
    for (; *identifier; identifier++) {
        if (*identifier == '"')
            buffer_append_byte(sql, '"');
        buffer_append_byte(sql, (uint8_t)*identifier);
    }
    buffer_append_byte(sql, '"');
}

/* A part in quotes already is as SQL wants it. */
static const char *append_part(struct buffer *sql, const char *at)
{
    if (*at != '"') {
        size_t size = strcspn(at, ".\"");
        buffer_append_byte(sql, '"');
        buffer_append(sql, at, size);
        buffer_append_byte(sql, '"');
        return at + size;
    }
    const char *end = at + 1;
    while (*end && (*end != '"' || *++end == '"'))
        end++;
    buffer_append(sql, at, (size_t)(end - at));
    return end;
}

void sqlite_append_table(struct buffer *sql, const char *table)
{
    const char *at = append_part(sql, table);
    while (*at == '.') {
        buffer_append_byte(sql, '.');
        at = append_part(sql, at + 1);
    }
    /* Something behind a closing quote: no table is named so, and SQLite is to say it. */
    if (*at)
        buffer_append_text(sql, " ..");
}

const char *sqlite_table_name(const char *table)
{
    const char *dot = strrchr(table, '.');
    return dot ? dot + 1 : table;
}
