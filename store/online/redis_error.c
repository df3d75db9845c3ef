/* redis_error.c - see redis_error.h. */
#include "store/online/redis_error.h"

#include "base/bytes.h"

#include <stdio.h>

enum { QUOTE_SIZE = 200 }; /* of the answer's text, in our message */

struct meaning {
    const char *code;
    enum status status;
    const char *advice; /* NULL where the answer says all */
};

static const struct meaning meanings[] = {
    {"LOADING", STATUS_UNAVAILABLE, NULL},
    {"BUSY", STATUS_UNAVAILABLE, NULL},
    {"UNKILLABLE", STATUS_UNAVAILABLE, NULL},
    {"MASTERDOWN", STATUS_UNAVAILABLE, NULL},
    {"TRYAGAIN", STATUS_UNAVAILABLE, NULL},
    {"NOREPLICAS", STATUS_UNAVAILABLE, NULL},
    {"MISCONF", STATUS_UNAVAILABLE, NULL},
    {"ERR max number of clients reached", STATUS_UNAVAILABLE, NULL},
    {"ERR Script killed", STATUS_UNAVAILABLE, NULL},
    {"OOM", STATUS_EXHAUSTED, "it is out of memory: raise its maxmemory"},
    {"READONLY", STATUS_CONFLICT,
     "it is a read-only replica: online_store.url should name the primary"},
    {"NOAUTH", STATUS_UNAVAILABLE, "it wants a password: put it into online_store.url"},
    {"WRONGPASS", STATUS_UNAVAILABLE, "it refuses the user or the password of online_store.url"},
    {"NOPERM", STATUS_UNAVAILABLE, "the user of online_store.url may not do what Larder needs"},
    {"MOVED", STATUS_UNAVAILABLE, "Redis Cluster is not supported yet"},
    {"ASK", STATUS_UNAVAILABLE, "Redis Cluster is not supported yet"},
    {"CROSSSLOT", STATUS_UNAVAILABLE, "Redis Cluster is not supported yet"},
    {"CLUSTERDOWN", STATUS_UNAVAILABLE, "Redis Cluster is not supported yet"},
    {"WRONGTYPE", STATUS_CORRUPT, "a key that is Larder's holds something else"},
};

static bool begins_with_code(struct bytes text, const char *code)
{
    size_t size = strlen(code);
    if (text.size < size || memcmp(text.data, code, size) != 0)
        return false;
    char next = text.size == size ? ' ' : ((const char *)text.data)[size];
    return next == ' ' || next == ',' || next == '.';
}

/* "... @user_script: 7: -OOM command not allowed ...": what follows the last ": -". */
static struct bytes unwrap(struct bytes text)
{
    static const char mark[] = ": -";
    if (!begins_with_code(text, "ERR Error running script"))
        return text;
    const char *at = memmem(text.data, text.size, mark, sizeof mark - 1);
    if (!at)
        return text;
    at += sizeof mark - 1;
    return (struct bytes){at, text.size - (size_t)(at - (const char *)text.data)};
}

static const struct meaning *find_meaning(struct bytes text)
{
    for (size_t i = 0; i < COUNT_OF(meanings); i++)
        if (begins_with_code(text, meanings[i].code))
            return &meanings[i];
    return NULL;
}

/* Keys are bytes of any value and Redis may quote them: only printable ASCII reaches our messages.
 */
static void quote(struct bytes text, char quoted[QUOTE_SIZE])
{
    size_t size = text.size < QUOTE_SIZE - 1 ? text.size : QUOTE_SIZE - 1;
    for (size_t i = 0; i < size; i++) {
        char byte = ((const char *)text.data)[i];
        quoted[i] = byte >= ' ' && byte <= '~' ? byte : '?';
    }
    quoted[size] = '\0';
}

enum status redis_error_fail(const struct redis_reply *reply, const char *place, struct error *err)
{
    struct bytes text = unwrap(reply->text);
    const struct meaning *meaning = find_meaning(text);
    enum status status = meaning ? meaning->status : STATUS_FAILED;
    char quoted[QUOTE_SIZE];
    quote(text, quoted);
    if (meaning && meaning->advice)
        return fail(err, status, "%s: %s (%s)", place, meaning->advice, quoted);
    return fail(err, status, "%s answers: %s", place, quoted);
}

bool redis_error_is(const struct redis_reply *reply, const char *code)
{
    return reply->type == REPLY_ERROR && begins_with_code(reply->text, code);
}
