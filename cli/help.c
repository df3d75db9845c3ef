/* help.c - see help.h. */
#include "cli/help.h"

#include "cli/style.h"
#include "cli/table.h"

static void print_title(FILE *out, const char *title)
{
    struct style style = style_of(out);
    fprintf(out, "%s%s%s", style_begin(style, PAINT_TITLE), title, style_end(style, PAINT_TITLE));
}

void help_print_overview(FILE *out, const struct command *const *commands, size_t count)
{
    fprintf(out,
            "Larder, a feature store: history in PostgreSQL or SQLite, newest values in Redis\n"
            "or LMDB, served over gRPC.\n"
            "\n");
    print_title(out, "usage:");
    fprintf(out, " larder [-C DIR] COMMAND ...\n\n");
    for (size_t i = 0; i < count; i++)
        fprintf(out, "  %-13s %s\n", commands[i]->name, commands[i]->summary);
    fprintf(out,
            "\n"
            "larder COMMAND --help tells about each. -C DIR names the folder with larder.yaml\n"
            "(default: here). Exit 0: done; 1: it failed; 2: the call or the definitions are\n"
            "wrong.\n");
}

static void add_option(struct table *table, const char *name, const char *value, const char *help)
{
    const char *left =
        arena_printf(table->arena, "%s%s%s", name, value ? " " : "", value ? value : "");
    const char *const cells[] = {left, help};
    table_add(table, cells);
}

void help_print_command(FILE *out, const struct command *command, struct arena *arena)
{
    struct table table;
    table_init(&table, arena, 2, NULL, NULL);
    for (size_t i = 0; i < command->option_count; i++)
        add_option(&table, command->options[i].name, command->options[i].value,
                   command->options[i].help);
    add_option(&table, "-C", "DIR", "the repository (default: here)");
    if (!command->without_json)
        add_option(&table, "--json", NULL, "machine-readable output on stdout");
    add_option(&table, "--help", NULL, "this text");
    print_title(out, "usage:");
    fprintf(out, " larder %s %s\n\n%s\n", command->name, command->synopsis, command->text);
    print_title(out, "options:");
    fputc('\n', out);
    table_print(&table, out, "  ");
}
