/* query_text.c - see query_text.h. Quotes, comments and dollar quotes as PostgreSQL's lexer has
 * them. */
#include "config/query_text.h"

#include "config/definitions.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c & 0x80);
}

static bool is_word(char c)
{
    return is_letter(c) || (c >= '0' && c <= '9') || c == '$';
}

/* Each of these takes a pointer at an opening, and returns the first character behind the close, or
 * NULL if there is none. */

static const char *skip_quoted(const char *at, char quote, bool backslashes)
{
    for (at++; *at; at++) {
        if (backslashes && *at == '\\' && at[1])
            at++;
        else if (*at == quote && at[1] == quote)
            at++;
        else if (*at == quote)
            return at + 1;
    }
    return NULL;
}

static const char *skip_line_comment(const char *at)
{
    return at + strcspn(at, "\r\n");
}

static const char *skip_block_comment(const char *at)
{
    int depth = 0;
    while (*at) {
        if (at[0] == '/' && at[1] == '*') {
            depth++;
            at += 2;
        } else if (at[0] == '*' && at[1] == '/') {
            at += 2;
            if (--depth == 0)
                return at;
        } else {
            at++;
        }
    }
    return NULL;
}

/* $tag$ ... $tag$; at itself plus one if this dollar opens nothing. */
static const char *skip_dollar_quoted(const char *at)
{
    const char *tag_end = at + 1;
    if (is_letter(*tag_end))
        while (is_word(*tag_end) && *tag_end != '$')
            tag_end++;
    if (*tag_end != '$')
        return at + 1;
    size_t tag_size = (size_t)(tag_end + 1 - at);
    for (const char *end = tag_end + 1; (end = strchr(end, '$')); end++)
        if (strncmp(end, at, tag_size) == 0)
            return end + tag_size;
    return NULL;
}

/* A word, with the string it may be the prefix of: E'...' is the one whose backslashes escape. */
static const char *skip_word(const char *at)
{
    const char *end = at;
    while (is_word(*end))
        end++;
    bool escapes = end - at == 1 && (*at == 'e' || *at == 'E') && *end == '\'';
    return escapes ? skip_quoted(end, '\'', true) : end;
}

static const char *skip_space(const char *at)
{
    for (;;) {
        at += strspn(at, " \t\r\n\f\v");
        if (at[0] == '-' && at[1] == '-')
            at = skip_line_comment(at);
        else if (at[0] == '/' && at[1] == '*')
            at = skip_block_comment(at);
        else
            return at;
        if (!at)
            return NULL;
    }
}

static bool begins_with_select(const char *query)
{
    const char *at = skip_space(query);
    while (at && *at == '(')
        at = skip_space(at + 1);
    if (!at)
        return false;
    size_t length = 0;
    while (is_word(at[length]))
        length++;
    return (length == 6 && strncasecmp(at, "select", 6) == 0) ||
           (length == 4 && strncasecmp(at, "with", 4) == 0);
}

/* The next thing that is no space, and what follows it. NULL: something is not closed. */
static const char *skip_token(const char *at)
{
    if (*at == '\'' || *at == '"')
        return skip_quoted(at, *at, false);
    if (*at == '$')
        return skip_dollar_quoted(at);
    return is_word(*at) ? skip_word(at) : at + 1;
}

const char *query_text_mistake(const char *query)
{
    if (!begins_with_select(query))
        return "must begin with SELECT or WITH";
    long depth = 0;
    for (const char *at = skip_space(query); at && *at;) {
        if (*at == ';')
            return "must be one statement, without a semicolon";
        depth += (*at == '(') - (*at == ')');
        if (depth < 0)
            return "closes a parenthesis that it did not open";
        at = skip_token(at);
        at = at ? skip_space(at) : NULL;
        if (!at)
            return "opens a quote or comment that it does not close";
    }
    return depth > 0 ? "opens a parenthesis that it does not close" : NULL;
}

const char *table_text_mistake(const char *table)
{
    size_t parts = 0;
    for (const char *at = table;; at++) {
        size_t length = strcspn(at, ".");
        if (length == 0 || length > NAME_SIZE_MAX)
            return "must be table or schema.table, each of 1 to 63 bytes";
        parts++;
        at += length;
        if (!*at)
            break;
    }
    if (parts > 2)
        return "must be table or schema.table: PostgreSQL reads from one database alone";
    for (const char *c = table; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == '"' || *c == ';')
            return "must be written as the table is called, without quotes";
    return NULL;
}
