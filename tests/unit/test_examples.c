/* The examples that the JSON Schemas are tested on (test_schema.py): Larder judges them alike. */
#include "definitions_text.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static const char *text_of(const char *path, struct arena *arena)
{
    char text[65536];
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t size = fread(text, 1, sizeof text, file);
    fclose(file);
    return arena_text_of(arena, (struct bytes){text, size});
}

static void check_folder(const char *name, bool valid,
                         const char *(*mistakes_in)(const char *yaml, struct arena *arena))
{
    char folder[512], path[1024];
    snprintf(folder, sizeof folder, "%s/%s", EXAMPLES, name);
    DIR *entries = opendir(folder);
    assert_non_null(entries);
    size_t count = 0;
    for (const struct dirent *entry; (entry = readdir(entries));) {
        if (!strstr(entry->d_name, ".yaml"))
            continue;
        struct arena arena;
        arena_init(&arena, 0);
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        const char *mistakes = mistakes_in(text_of(path, &arena), &arena);
        if (valid != (*mistakes == '\0'))
            fail_msg("%s: %s", path, *mistakes ? mistakes : "nothing is found wrong");
        arena_release(&arena);
        count++;
    }
    closedir(entries);
    assert_true(count > 0);
}

static void valid_examples_are_valid(void **state)
{
    (void)state;
    check_folder("definitions/valid", true, mistakes_of);
    check_folder("settings/valid", true, settings_mistakes_of);
}

static void examples_of_the_wrong_shape_are_refused(void **state)
{
    (void)state;
    check_folder("definitions/invalid-shape", false, mistakes_of);
    check_folder("settings/invalid-shape", false, settings_mistakes_of);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(valid_examples_are_valid),
        cmocka_unit_test(examples_of_the_wrong_shape_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
