/* definitions_text.c - see definitions_text.h. */
#include "definitions_text.h"

#include "config/repository.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

const char *problems_text(const struct problems *problems, struct arena *arena)
{
    const char *text = "";
    for (size_t i = 0; i < problems->count; i++)
        text = arena_printf(arena, "%s%s%llu:%u: %s", text, i ? "\n" : "",
                            (unsigned long long)problems->items[i].place.line,
                            problems->items[i].place.column, problems->items[i].text);
    return text;
}

struct definitions definitions_of(const char *yaml, struct arena *arena)
{
    struct problems problems;
    struct definitions definitions;
    problems_init(&problems, arena);
    if (definitions_read_yaml("test.yaml", bytes_of_text(yaml), arena, &definitions, &problems))
        fail_msg("%s", problems_text(&problems, arena));
    return definitions;
}

const char *mistakes_of(const char *yaml, struct arena *arena)
{
    struct problems problems;
    struct definitions definitions;
    problems_init(&problems, arena);
    enum status status =
        definitions_read_yaml("test.yaml", bytes_of_text(yaml), arena, &definitions, &problems);
    assert_int_equal(status, problems.count > 0 ? STATUS_INVALID : STATUS_OK);
    if (status)
        assert_int_equal(definitions.entity_count + definitions.view_count, 0);
    return problems_text(&problems, arena);
}

const char *settings_mistakes_of(const char *yaml, struct arena *arena)
{
    struct problems problems;
    struct settings settings;
    problems_init(&problems, arena);
    enum status status =
        settings_read_yaml("larder.yaml", bytes_of_text(yaml), arena, &settings, &problems);
    assert_int_equal(status, problems.count > 0 ? STATUS_INVALID : STATUS_OK);
    return problems_text(&problems, arena);
}

void check_mistakes(const struct mistake *mistakes, size_t count,
                    const char *(*mistakes_in)(const char *yaml, struct arena *arena))
{
    size_t different = 0;
    for (size_t i = 0; i < count; i++) {
        struct arena arena;
        arena_init(&arena, 0);
        const char *found = mistakes_in(mistakes[i].yaml, &arena);
        if (strcmp(found, mistakes[i].expected) != 0) {
            print_error("%s\n--- expected\n%s\n--- found\n%s\n\n", mistakes[i].title,
                        mistakes[i].expected, found);
            different++;
        }
        arena_release(&arena);
    }
    assert_int_equal(different, 0);
}
