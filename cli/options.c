/* options.c - see options.h. */
#include "cli/options.h"

#include "base/timestamp.h"
#include "cli/command.h"
#include "config/wording.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

static const struct option_spec common_options[] = {
    {"-C", OPTION_TEXT, "DIR", "the repository (default: here)"},
    {"--json", OPTION_FLAG, NULL, "machine-readable output"},
    {"--help", OPTION_FLAG, NULL, "this text"},
    {"-h", OPTION_FLAG, NULL, "this text"},
};

struct parse {
    const struct command *command;
    struct options *options;
    struct option_given *given;
    const char **words;
    int count;
    char *const *arguments;
    int at;
};

static const struct option_spec *find_spec(const struct command *command, const char *name,
                                           size_t size)
{
    for (size_t i = 0; i < command->option_count; i++)
        if (strlen(command->options[i].name) == size &&
            memcmp(command->options[i].name, name, size) == 0)
            return &command->options[i];
    for (size_t i = 0; i < COUNT_OF(common_options); i++)
        if (strlen(common_options[i].name) == size &&
            memcmp(common_options[i].name, name, size) == 0)
            return &common_options[i];
    return NULL;
}

static enum status unknown_option(const struct parse *parse, const char *name, struct error *err)
{
    const struct command *command = parse->command;
    size_t count = 0;
    const char **names = arena_array(
        parse->options->arena, command->option_count + COUNT_OF(common_options), sizeof *names);
    for (size_t i = 0; i < command->option_count; i++)
        names[count++] = command->options[i].name;
    for (size_t i = 0; i < COUNT_OF(common_options); i++)
        names[count++] = common_options[i].name;
    struct arena *arena = parse->options->arena;
    if (strcmp(name, "--dry-run") == 0 && strcmp(command->name, "apply") == 0)
        return fail(err, STATUS_INVALID,
                    "apply: unknown option %s: \"larder plan\" shows what apply would do",
                    quoted(arena, name));
    return fail(err, STATUS_INVALID, "%s: unknown option %s%s", command->name, quoted(arena, name),
                name[1] == '-' ? did_you_mean(arena, name, names, count) : "");
}

static void keep(struct parse *parse, const struct option_spec *spec, const char *text)
{
    struct options *options = parse->options;
    if (spec == &common_options[0])
        options->directory = text;
    else if (spec == &common_options[1])
        options->json = true;
    else if (spec == &common_options[2] || spec == &common_options[3])
        options->help = true;
    else
        parse->given[options->given_count++] = (struct option_given){spec, text};
}

static enum status parse_option(struct parse *parse, const char *argument, struct error *err)
{
    const char *equals = argument[1] == '-' ? strchr(argument, '=') : NULL;
    size_t size = equals ? (size_t)(equals - argument) : strlen(argument);
    const struct option_spec *spec = find_spec(parse->command, argument, size);
    if (!spec)
        return unknown_option(
            parse, arena_printf(parse->options->arena, "%.*s", (int)size, argument), err);
    if (spec->kind == OPTION_FLAG) {
        if (equals)
            return fail(err, STATUS_INVALID, "%s takes no value", spec->name);
        keep(parse, spec, NULL);
        return STATUS_OK;
    }
    const char *text = equals ? equals + 1 : NULL;
    if (!text && parse->at + 1 < parse->count)
        text = parse->arguments[++parse->at];
    if (!text)
        return fail(err, STATUS_INVALID, "%s needs a value: %s %s", spec->name, spec->name,
                    spec->value);
    keep(parse, spec, text);
    return STATUS_OK;
}

/* Whoever forgets -C names the folder all the same. */
static enum status unexpected_word(const struct command *command, const struct options *options,
                                   const char *word, struct error *err)
{
    const char *settings = arena_printf(options->arena, "%s/larder.yaml", word);
    if (access(settings, F_OK) == 0)
        return fail(err, STATUS_INVALID, "%s: the folder is named by -C: larder %s -C %s",
                    command->name, command->name, word);
    return fail(err, STATUS_INVALID, "%s: unexpected argument \"%s\"", command->name, word);
}

static enum status check_call(const struct command *command, const struct options *options,
                              struct error *err)
{
    if (options->help)
        return STATUS_OK;
    if (options->word_count > command->most_words)
        return unexpected_word(command, options, options->words[command->most_words], err);
    if (options->word_count < command->least_words)
        return fail(err, STATUS_INVALID, "%s needs %s", command->name, command->word);
    if (options->json && command->without_json)
        return fail(err, STATUS_INVALID, "%s has nothing to print as JSON", command->name);
    return command->check ? command->check(options, err) : STATUS_OK;
}

enum status options_parse(const struct command *command, int count, char *const *arguments,
                          struct options *options, struct error *err)
{
    struct parse parse = {
        .command = command,
        .options = options,
        .given = arena_array(options->arena, (size_t)count + 1, sizeof *parse.given),
        .words = arena_array(options->arena, (size_t)count + 1, sizeof *parse.words),
        .count = count,
        .arguments = arguments,
    };
    bool only_words = false;
    for (; parse.at < count; parse.at++) {
        const char *argument = arguments[parse.at];
        if (!only_words && strcmp(argument, "--") == 0) {
            only_words = true;
        } else if (!only_words && argument[0] == '-' && argument[1] != '\0') {
            enum status status = parse_option(&parse, argument, err);
            if (status)
                return status;
        } else {
            parse.words[options->word_count++] = argument;
        }
    }
    options->given = parse.given;
    options->words = parse.words;
    return check_call(command, options, err);
}

bool option_flag(const struct options *options, const char *name)
{
    for (size_t i = 0; i < options->given_count; i++)
        if (strcmp(options->given[i].spec->name, name) == 0)
            return true;
    return false;
}

const char *option_text(const struct options *options, const char *name)
{
    const char *text = NULL;
    for (size_t i = 0; i < options->given_count; i++)
        if (strcmp(options->given[i].spec->name, name) == 0)
            text = options->given[i].text;
    return text;
}

const char *const *option_texts(const struct options *options, const char *name, size_t *count)
{
    const char **texts = arena_array(options->arena, options->given_count + 1, sizeof *texts);
    *count = 0;
    for (size_t i = 0; i < options->given_count; i++)
        if (strcmp(options->given[i].spec->name, name) == 0)
            texts[(*count)++] = options->given[i].text;
    return texts;
}

enum status option_time(const struct options *options, const char *name, int64_t *us, bool *found,
                        struct error *err)
{
    const char *text = option_text(options, name);
    *found = text != NULL;
    if (text && !timestamp_parse(bytes_of_text(text), us))
        return fail(err, STATUS_INVALID, "%s: not a time: \"%s\"; write it as 2026-01-31T09:30:00Z",
                    name, text);
    return STATUS_OK;
}

enum status option_timeout(const struct options *options, const char *name, int *ms,
                           struct error *err)
{
    const char *text = option_text(options, name);
    int64_t us = 0;
    if (!text)
        return STATUS_OK;
    if (!duration_parse(bytes_of_text(text), &us) || us == 0)
        return fail(err, STATUS_INVALID, "%s: not a time to wait: \"%s\"; write it as 5s", name,
                    text);
    *ms = us / 1000 > INT_MAX ? INT_MAX : (int)(us / 1000);
    return STATUS_OK;
}
