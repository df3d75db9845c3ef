/* doctor.c - `larder doctor`: is anything wrong, and what to do about it? */
#include "cli/checkup.h"
#include "cli/command.h"
#include "cli/notice.h"

#include <jansson.h>
#include <stdio.h>

static const char *things(size_t count, const char *one, const char *many, struct arena *arena)
{
    return arena_printf(arena, "%zu %s", count, count == 1 ? one : many);
}

static int print_json(const struct checkup *checkup)
{
    const char *project = checkup->repository.settings.project;
    return command_print_json(
        json_pack("{s:s, s:s?, s:I, s:I, s:o}", "larder", LARDER_VERSION, "project", project,
                  "errors", (json_int_t)diagnosis_tally(checkup->diagnosis, FINDING_ERROR), "hints",
                  (json_int_t)diagnosis_tally(checkup->diagnosis, FINDING_HINT), "checks",
                  diagnosis_to_json(checkup->diagnosis)));
}

static void print_all(const struct checkup *checkup)
{
    size_t hints = diagnosis_tally(checkup->diagnosis, FINDING_HINT);
    bool is_well = diagnosis_tally(checkup->diagnosis, FINDING_ERROR) == 0;
    printf("larder %s\n\n", LARDER_VERSION);
    diagnosis_print(checkup->diagnosis);
    if (is_well)
        printf(
            "\nnothing is wrong%s%s\n", hints ? "; " : "",
            hints ? things(hints, "thing could be better", "things could be better", checkup->arena)
                  : "");
}

static int run(const struct options *options)
{
    struct diagnosis diagnosis = {.arena = options->arena};
    struct checkup checkup = {.options = options, .arena = options->arena, .diagnosis = &diagnosis};
    checkup_run(&checkup);
    int code = EXIT_DONE;
    if (options->json)
        code = print_json(&checkup);
    else
        print_all(&checkup);
    size_t errors = diagnosis_tally(&diagnosis, FINDING_ERROR);
    if (errors)
        notice(NOTICE_FAILURE, "%s",
               things(errors, "thing is wrong", "things are wrong", options->arena));
    if (!checkup.has_settings || !checkup.has_definitions)
        return EXIT_USAGE;
    return errors ? EXIT_FAILED : code;
}

const struct command command_doctor = {
    .name = "doctor",
    .summary = "whether anything is wrong, and what to do about it",
    .synopsis = "[-C DIR]",
    .text = "Looks at everything that Larder stands on, and changes nothing: settings and\n"
            "definitions; the stores, their versions and what their user may not do; the\n"
            "sources' tables and indexes; transactions that are open for too long; what is\n"
            "applied; eviction and persistence of Redis; clocks; room on disks; feature\n"
            "views that wait for a run; the server, if one answers. What is away does not\n"
            "keep it from looking at the rest.\n"
            "\n"
            "error: something fails because of it, or will. hint: all works, and it could be\n"
            "better. Each says what to do. Exit 0 if there is no error, 1 if there is one, 2\n"
            "if the settings or the definitions are wrong.\n",
    .run = run,
};
