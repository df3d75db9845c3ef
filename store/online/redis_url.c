/* redis_url.c - see redis_url.h. */
#include "store/online/redis_url.h"

#include <stdbool.h>
#include <stdlib.h>
#include <sys/un.h>

/* A part of the text that is not yet taken. */
struct part {
    const char *at;
    size_t size;
};

static bool take_prefix(struct part *rest, const char *prefix)
{
    size_t size = strlen(prefix);
    if (rest->size < size || memcmp(rest->at, prefix, size) != 0)
        return false;
    *rest = (struct part){rest->at + size, rest->size - size};
    return true;
}

/* Splits `whole` at the first or last of a character: what stands before it, and what behind. */
static bool split(struct part whole, int character, bool last, struct part *before,
                  struct part *behind)
{
    const char *found = whole.size == 0 ? NULL
                        : last          ? memrchr(whole.at, character, whole.size)
                                        : memchr(whole.at, character, whole.size);
    if (!found)
        return false;
    size_t size = (size_t)(found - whole.at);
    *behind = (struct part){found + 1, whole.size - size - 1};
    *before = (struct part){whole.at, size};
    return true;
}

static int hex_digit(char digit)
{
    static const char digits[] = "0123456789abcdef";
    const char *found =
        digit ? strchr(digits, digit | ('A' <= digit && digit <= 'F' ? 0x20 : 0)) : NULL;
    return found ? (int)(found - digits) : -1;
}

/* NULL where a % is followed by no two digits, or stands for a NUL. */
static const char *decode(struct part part, struct arena *arena)
{
    char *text = arena_alloc(arena, part.size + 1);
    char *to = text;
    for (size_t i = 0; i < part.size; i++) {
        if (part.at[i] != '%') {
            *to++ = part.at[i];
            continue;
        }
        int high = i + 2 < part.size ? hex_digit(part.at[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(part.at[i + 2]) : -1;
        if (low < 0 || high * 16 + low == 0)
            return NULL;
        *to++ = (char)(high * 16 + low);
        i += 2;
    }
    *to = '\0';
    return text;
}

static bool parse_number(struct part digits, uint32_t most, uint32_t *number)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < digits.size; i++) {
        if (digits.at[i] < '0' || digits.at[i] > '9')
            return false;
        sum = sum * 10 + (uint64_t)(digits.at[i] - '0');
        if (sum > most)
            return false;
    }
    *number = (uint32_t)sum;
    return digits.size > 0;
}

static enum status parse_database(struct part digits, struct redis_url *url, struct error *err)
{
    if (parse_number(digits, INT32_MAX, &url->database))
        return STATUS_OK;
    return fail(err, STATUS_INVALID, "online_store.url: its database is not a number");
}

/* Everything before the last @: a password may hold an @ or a /, although they should be written
 * %40 and %2F. */
static enum status parse_user(struct part *rest, struct arena *arena, struct redis_url *url,
                              struct error *err)
{
    struct part info, user, password;
    if (!split(*rest, '@', true, &info, rest))
        return STATUS_OK;
    if (!split(info, ':', false, &user, &password))
        return fail(err, STATUS_INVALID,
                    "online_store.url: before the @ stands user:password or :password");
    url->user = user.size > 0 ? decode(user, arena) : NULL;
    url->password = password.size > 0 ? decode(password, arena) : NULL;
    if ((user.size > 0 && !url->user) || (password.size > 0 && !url->password))
        return fail(err, STATUS_INVALID,
                    "online_store.url: a %% in its user or password is not followed by two "
                    "hexadecimal digits (write %%25 for the character itself)");
    if (url->user && !url->password)
        return fail(err, STATUS_INVALID, "online_store.url: its user has no password");
    return STATUS_OK;
}

static enum status parse_port(struct part digits, struct arena *arena, struct redis_url *url,
                              struct error *err)
{
    uint32_t port;
    if (!parse_number(digits, UINT16_MAX, &port) || port == 0)
        return fail(err, STATUS_INVALID,
                    "online_store.url: its port is not a number from 1 to 65535");
    url->port = arena_printf(arena, "%u", (unsigned)port);
    return STATUS_OK;
}

static enum status parse_host(struct part rest, struct arena *arena, struct redis_url *url,
                              struct error *err)
{
    struct part host = rest, port;
    bool in_brackets = rest.size > 0 && rest.at[0] == '[';
    bool has_port = false;
    if (in_brackets) {
        rest = (struct part){rest.at + 1, rest.size - 1};
        if (!split(rest, ']', false, &host, &port))
            return fail(err, STATUS_INVALID, "online_store.url: a [ without its ]");
        has_port = port.size > 0;
        if (has_port && !take_prefix(&port, ":"))
            return fail(err, STATUS_INVALID, "online_store.url: after the ] stands :port");
    } else {
        has_port = split(rest, ':', false, &host, &port);
    }
    if (host.size == 0)
        return fail(err, STATUS_INVALID, "online_store.url: it names no host");
    url->host = arena_text_of(arena, (struct bytes){host.at, host.size});
    url->port = "6379";
    enum status status = has_port ? parse_port(port, arena, url, err) : STATUS_OK;
    if (!status)
        url->place = arena_printf(arena, in_brackets ? "redis [%s]:%s" : "redis %s:%s", url->host,
                                  url->port);
    return status;
}

static enum status parse_network(struct part rest, struct arena *arena, struct redis_url *url,
                                 struct error *err)
{
    enum status status = parse_user(&rest, arena, url, err);
    if (status)
        return status;
    struct part host = rest, database = {0};
    split(rest, '/', false, &host, &database);
    status = parse_host(host, arena, url, err);
    if (!status && database.size > 0)
        status = parse_database(database, url, err);
    return status;
}

static enum status parse_socket(struct part rest, struct arena *arena, struct redis_url *url,
                                struct error *err)
{
    struct part path, query;
    if (!split(rest, '?', true, &path, &query)) {
        path = rest;
    } else {
        if (!take_prefix(&query, "db="))
            return fail(err, STATUS_INVALID, "online_store.url: after the ? stands db=number");
        enum status status = parse_database(query, url, err);
        if (status)
            return status;
    }
    enum status status = parse_user(&path, arena, url, err);
    if (status)
        return status;
    url->path = decode(path, arena);
    if (!url->path || url->path[0] != '/')
        return fail(err, STATUS_INVALID, "online_store.url: it names no socket's whole path");
    if (strlen(url->path) >= sizeof((struct sockaddr_un *)NULL)->sun_path)
        return fail(err, STATUS_INVALID,
                    "online_store.url: the path of a socket has at most %zu bytes",
                    sizeof((struct sockaddr_un *)NULL)->sun_path - 1);
    url->place = arena_printf(arena, "redis %s", url->path);
    return STATUS_OK;
}

enum status redis_url_parse(const char *text, struct arena *arena, struct redis_url *url,
                            struct error *err)
{
    *url = (struct redis_url){0};
    struct part rest = {text, strlen(text)};
    if (take_prefix(&rest, "redis://"))
        return parse_network(rest, arena, url, err);
    if (take_prefix(&rest, "redis+unix://") || take_prefix(&rest, "unix://"))
        return parse_socket(rest, arena, url, err);
    if (take_prefix(&rest, "rediss://"))
        return fail(err, STATUS_INVALID,
                    "online_store.url: rediss:// needs TLS, which is not there yet: use redis:// "
                    "through a tunnel or on a network that you trust");
    return fail(err, STATUS_INVALID,
                "online_store.url: it begins with none of redis://, unix:// and redis+unix://");
}
