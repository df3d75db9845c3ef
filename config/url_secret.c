/*
 * url_secret.c - url_without_secret of settings.h.
 *
 * Urls come here from messages about what is wrong with them, so nothing is assumed about their
 * form: where it is unclear what is secret, more is hidden rather than less.
 */
#include "config/settings.h"

#include <string.h>
#include <strings.h>

static const char hidden[] = "***";

/* A text in the arena that grows; never longer than the url and some "***". */
struct shown {
    char *text;
    size_t length;
};

static void show(struct shown *shown, const char *from, size_t size)
{
    memcpy(shown->text + shown->length, from, size);
    shown->length += size;
}

static int hex_digit(char c)
{
    const char *digits = "0123456789abcdef", *found = memchr(digits, c | 0x20, 16);
    return found && c != '\0' ? (int)(found - digits) : -1;
}

/* Whether a parameter of that name holds a secret; the name may be percent-encoded. */
static bool is_secret(const char *name, size_t size)
{
    static const char *const words[] = {"password", "passwd", "secret",
                                        "token",    "pwd",    "credential"};
    char plain[32];
    size_t length = 0;
    for (size_t i = 0; i < size; i++) {
        if (length + 1 == sizeof plain)
            return true; /* longer than any that we know */
        bool encoded = name[i] == '%' && i + 2 < size && hex_digit(name[i + 1]) >= 0 &&
                       hex_digit(name[i + 2]) >= 0;
        plain[length++] =
            encoded ? (char)(hex_digit(name[i + 1]) * 16 + hex_digit(name[i + 2])) : name[i];
        i += encoded ? 2 : 0;
    }
    plain[length] = '\0';
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (strcasestr(plain, words[i]))
            return true;
    return strcasecmp(plain, "pass") == 0;
}

/* name=value&name=value */
static void show_parameters(struct shown *shown, const char *at)
{
    while (*at) {
        size_t size = strcspn(at, "&");
        const char *equals = memchr(at, '=', size);
        bool secret = equals && is_secret(at, (size_t)(equals - at));
        show(shown, at, secret ? (size_t)(equals + 1 - at) : size);
        if (secret)
            show(shown, hidden, 3);
        at += size;
        size_t ampersand = *at ? 1 : 0;
        show(shown, at, ampersand);
        at += ampersand;
    }
}

/* An "@" behind a "?" is either in a password or in a parameter. Nobody can tell, so all behind the
 * first place where a secret could begin is hidden. */
static void show_unclear(struct shown *shown, const char *at, bool name_is_secret)
{
    size_t size = name_is_secret ? 0 : strcspn(at, ":?") + 1;
    show(shown, at, size);
    show(shown, hidden, 3);
}

/* host:port, or several of them behind commas: what stands behind a colon is a number. */
static bool has_only_ports(const char *at)
{
    for (bool in_brackets = false; *at && !strchr("/?", *at); at++) {
        in_brackets = *at == '[' || (in_brackets && *at != ']');
        if (*at != ':' || in_brackets)
            continue;
        at += strspn(at + 1, "0123456789");
        if (at[1] && !strchr(",/?", at[1]))
            return false;
    }
    return true;
}

/* user:password@host/path?parameters, of which only the rest behind a scheme is passed. The last
 * "@" counts, since passwords are often written with one. A name alone is shown, but for Redis,
 * where it is often the password. */
static void show_authority(struct shown *shown, const char *at, bool name_is_secret)
{
    const char *host = strrchr(at, '@');
    bool unclear = host ? memchr(at, '?', (size_t)(host - at)) != NULL : !has_only_ports(at);
    if (unclear) {
        show_unclear(shown, at, name_is_secret);
        return;
    }
    if (host) {
        const char *colon = memchr(at, ':', (size_t)(host - at));
        if (colon)
            show(shown, at, (size_t)(colon + 1 - at));
        if (colon || name_is_secret)
            show(shown, hidden, 3);
        else
            show(shown, at, (size_t)(host - at));
        at = host;
    }
    size_t size = strcspn(at, "?");
    show(shown, at, size + (at[size] ? 1 : 0));
    show_parameters(shown, at + size + (at[size] ? 1 : 0));
}

/* One value of "name = 'value'": how long it is, with its quotes. *whole: it ends where it should.
 */
static size_t value_size(const char *at, bool *whole)
{
    const char *from = at;
    bool in_quotes = *at == '\'';
    at += in_quotes;
    while (*at && (in_quotes ? *at != '\'' : !strchr(" \t\r\n\f\v", *at)))
        at += *at == '\\' && at[1] ? 2 : 1;
    *whole = !in_quotes || *at == '\'';
    return (size_t)(at - from) + (in_quotes && *at ? 1 : 0);
}

/* host=x password='a b' user=y. What is not of this form is hidden to its end. */
static void show_keywords(struct shown *shown, const char *at)
{
    static const char space[] = " \t\r\n\f\v";
    for (;;) {
        size_t before = strspn(at, space);
        size_t name = strcspn(at + before, "= \t\r\n\f\v");
        size_t equals = before + name + strspn(at + before + name, space);
        if (!at[before])
            return;
        if (at[equals] != '=' || name == 0)
            break;
        size_t value = equals + 1 + strspn(at + equals + 1, space);
        bool whole;
        size_t size = value_size(at + value, &whole);
        bool url = memmem(at + value, size, "://", 3) != NULL;
        bool secret = is_secret(at + before, name) || url || !whole;
        show(shown, at, value + (secret ? 0 : size));
        if (secret)
            show(shown, hidden, 3);
        at += value + size;
    }
    show(shown, " ", shown->length > 0 ? 1 : 0);
    show(shown, hidden, 3);
}

const char *url_without_secret(const char *url, struct arena *arena)
{
    /* Each "***" stands for a part of at least one byte, or behind a separator. */
    struct shown shown = {arena_alloc(arena, strlen(url) * 4 + 8), 0};
    const char *scheme = strstr(url, "://");
    size_t head = scheme ? (size_t)(scheme + 3 - url) : 0;
    bool keywords = strcspn(url, "= \t") < (scheme ? (size_t)(scheme - url) : strlen(url));
    if (keywords) {
        show_keywords(&shown, url);
    } else {
        show(&shown, url, head);
        show_authority(&shown, url + head, strncasecmp(url, "redis", 5) == 0);
    }
    shown.text[shown.length] = '\0';
    return shown.text;
}
