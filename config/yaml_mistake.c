/* yaml_mistake.c - see yaml_mistake.h. */
#include "config/yaml_mistake.h"

#include "base/value.h"
#include "config/node.h"

#include <string.h>

/* The text's line that begins at offset, without its newline. */
static struct bytes line_at(struct bytes text, size_t offset)
{
    const char *from = (const char *)text.data + offset;
    const char *end = memchr(from, '\n', text.size - offset);
    return (struct bytes){from, end ? (size_t)(end - from) : text.size - offset};
}

static size_t character_count(const char *text, size_t size)
{
    size_t count = 0;
    for (size_t i = 0; i < size; i++)
        count += ((unsigned char)text[i] & 0xc0) != 0x80;
    return count;
}

/* Line and column of the byte at offset. */
static struct place place_at(const char *file, struct bytes text, size_t offset)
{
    const char *from = text.data;
    size_t line_begin = 0;
    uint32_t line = 1;
    for (size_t i = 0; i < offset && i < text.size; i++)
        if (from[i] == '\n') {
            line++;
            line_begin = i + 1;
        }
    size_t column = character_count(from + line_begin, offset - line_begin) + 1;
    return (struct place){file, line, (uint32_t)column};
}

/* Before the text is read */

static size_t first_invalid_in(struct bytes line)
{
    size_t at = 0;
    while (at < line.size) {
        size_t size = 1;
        while (size <= 4 && size <= line.size - at &&
               !text_is_valid((struct bytes){(const char *)line.data + at, size}))
            size++;
        if (size > 4 || size > line.size - at)
            break;
        at += size;
    }
    return at;
}

static size_t first_invalid(struct bytes text)
{
    size_t offset = 0;
    while (offset < text.size) {
        struct bytes line = line_at(text, offset);
        if (!text_is_valid(line))
            return offset + first_invalid_in(line);
        offset += line.size + 1;
    }
    return text.size;
}

static bool is_blank_or_comment(struct bytes line)
{
    const char *text = line.data;
    size_t i = 0;
    while (i < line.size && (text[i] == ' ' || text[i] == '\t' || text[i] == '\r'))
        i++;
    return i == line.size || text[i] == '#';
}

/* Directives can only stand at the head, and behind a line that begins with "...". */
static bool holds_directive(struct bytes text, size_t *offset)
{
    bool head = true;
    for (*offset = 0; *offset < text.size;) {
        struct bytes line = line_at(text, *offset);
        const char *from = line.data;
        if (head && line.size > 0 && from[0] == '%')
            return true;
        if (line.size >= 3 && memcmp(from, "...", 3) == 0)
            head = true;
        else if (!is_blank_or_comment(line))
            head = false;
        *offset += line.size + 1;
    }
    return false;
}

bool yaml_text_is_readable(const char *file, struct bytes *yaml, struct problems *problems)
{
    struct place nowhere = {.file = file};
    if (yaml->size > YAML_SIZE_MAX) {
        problems_add(problems, nowhere, "is larger than 4 MiB: split it into several files");
        return false;
    }
    static const char mark[] = "\xef\xbb\xbf";
    if (yaml->size >= 3 && memcmp(yaml->data, mark, 3) == 0)
        *yaml = (struct bytes){(const char *)yaml->data + 3, yaml->size - 3};
    if (!text_is_valid(*yaml)) {
        size_t offset = first_invalid(*yaml);
        unsigned byte = ((const unsigned char *)yaml->data)[offset];
        problems_add(problems, place_at(file, *yaml, offset),
                     "the byte 0x%02x is not UTF-8: save the file as UTF-8", byte);
        return false;
    }
    size_t offset;
    if (holds_directive(*yaml, &offset)) {
        problems_add(problems, place_at(file, *yaml, offset),
                     "YAML directives are not read here: remove this line");
        return false;
    }
    return true;
}

/* After libyaml gave up */

struct translation {
    const char *theirs;
    const char *ours;
};

static const char *translate(const char *theirs)
{
    static const struct translation translations[] = {
        {"found character that cannot start any token",
         "a value cannot begin with this character: put it in quotes"},
        {"mapping values are not allowed in this context",
         "a \":\" cannot stand here: check the indentation, or put the text in quotes"},
        {"did not find expected key", "a key was expected here: check the indentation and quotes"},
        {"did not find expected '-' indicator", "a \"-\" was expected here: check the indentation"},
        {"did not find expected ',' or ']'", "a \",\" or \"]\" was expected here"},
        {"did not find expected ',' or '}'", "a \",\" or \"}\" was expected here"},
        {"could not find expected ':'", "a \":\" is missing behind the key"},
        {"found unexpected end of stream", "a quote is not closed"},
        {"did not find expected <document start>",
         "this does not belong to what stands above: check the indentation"},
        {"found a tab character that violates indentation",
         "a tab in the indentation: YAML is indented with spaces"},
        {"found a tab character where an indentation space is expected",
         "a tab in the indentation: YAML is indented with spaces"},
        {"control characters are not allowed", "a control character cannot stand in YAML"},
    };
    for (size_t i = 0; i < COUNT_OF(translations); i++)
        if (strcmp(theirs, translations[i].theirs) == 0)
            return translations[i].ours;
    return NULL;
}

static size_t offset_of_line(struct bytes yaml, size_t line_index)
{
    size_t offset = 0;
    for (size_t line = 0; line < line_index && offset < yaml.size; line++)
        offset += line_at(yaml, offset).size + 1;
    return offset;
}

/* Whether the line holds a tab in its indentation, and at which column. */
static bool tab_in_indentation(struct bytes yaml, size_t line_index, uint32_t *column)
{
    size_t offset = offset_of_line(yaml, line_index);
    if (offset >= yaml.size)
        return false;
    const char *text = (const char *)yaml.data + offset;
    size_t left = yaml.size - offset, i = 0;
    while (i < left && text[i] == ' ')
        i++;
    *column = (uint32_t)i + 1;
    return i < left && text[i] == '\t';
}

static bool is_bracket(const char *theirs)
{
    return strncmp(theirs, "did not find expected ',' or", 28) == 0;
}

static bool is_blank(struct bytes yaml, size_t offset)
{
    const char *text = yaml.data;
    while (offset < yaml.size && strchr(" \t\r\n", text[offset]))
        offset++;
    return offset >= yaml.size;
}

/* A text or a bracket that the end of the file leaves open. It is looked for where it began, which
 * is the parser's context; NULL: it is something else. */
static const char *left_open(const yaml_parser_t *parser, struct bytes yaml)
{
    static const struct translation brackets[] = {
        {"did not find expected ',' or ']'", "this \"[\" is never closed"},
        {"did not find expected ',' or '}'", "this \"{\" is never closed"},
    };
    if (strcmp(parser->problem, "found unexpected end of stream") == 0)
        return translate(parser->problem);
    size_t offset = offset_of_line(yaml, parser->problem_mark.line);
    bool at_end = is_blank(yaml, offset);
    for (size_t i = 0; at_end && i < COUNT_OF(brackets); i++)
        if (strcmp(parser->problem, brackets[i].theirs) == 0)
            return brackets[i].ours;
    return NULL;
}

void yaml_mistake_tell(const yaml_parser_t *parser, const char *file, struct bytes yaml,
                       struct problems *problems)
{
    if (parser->error == YAML_MEMORY_ERROR)
        out_of_memory();
    const char *theirs = parser->problem ? parser->problem : "cannot be read";
    const char *ours = translate(theirs);
    if (parser->error == YAML_READER_ERROR) {
        problems_add(problems, place_at(file, yaml, parser->problem_offset), "%s",
                     ours ? ours : theirs);
        return;
    }
    const char *open = parser->problem ? left_open(parser, yaml) : NULL;
    yaml_mark_t mark = open ? parser->context_mark : parser->problem_mark;
    struct place place = {file, mark.line + 1, (uint32_t)mark.column + 1};
    uint32_t column;
    if (open) {
        ours = open;
    } else if (tab_in_indentation(yaml, mark.line, &column)) {
        place.column = column;
        ours = "a tab in the indentation: YAML is indented with spaces";
    }
    if (ours && !open && is_bracket(theirs) && parser->context_mark.line < mark.line)
        problems_add(problems, place, "%s: what line %zu opens is not closed", ours,
                     parser->context_mark.line + 1);
    else if (ours)
        problems_add(problems, place, "%s", ours);
    else
        problems_add(problems, place, "this is not YAML: %s", theirs);
}
