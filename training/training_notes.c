/* training_notes.c - see training_notes.h. */
#include "training/training_notes.h"

#include "base/timestamp.h"

enum { NOTES_MAX = 12 };

static void note(struct table_note *notes, size_t *count, const char *key, const char *text)
{
    if (text)
        notes[(*count)++] = (struct table_note){key, text};
}

static const char *flag(bool flag)
{
    return flag ? "true" : "false";
}

static const char *references(const struct manifest_origin *origin, struct arena *arena)
{
    const char *text = NULL;
    for (size_t i = 0; i < origin->reference_count && !origin->service; i++)
        text = arena_joined(arena, text ? text : "", i ? "," : "", origin->references[i]);
    return text;
}

static const char *as_of(const struct manifest *manifest)
{
    char text[TIMESTAMP_TEXT_SIZE];
    if (manifest->as_of_us == AS_OF_NOW)
        return NULL;
    timestamp_format(manifest->as_of_us, text);
    return arena_text(manifest->arena, text);
}

void training_notes_make(const struct manifest *manifest, const struct manifest *again,
                         struct table_schema *schema)
{
    struct arena *arena = manifest->arena;
    const struct manifest_origin *origin = &manifest->origin;
    const struct manifest *defined = again ? again : manifest;
    struct table_note *notes = arena_array(arena, NOTES_MAX, sizeof *notes);
    size_t count = 0;
    note(notes, &count, "larder.project", origin->project);
    note(notes, &count, "larder.service", origin->service);
    note(notes, &count, "larder.features", references(origin, arena));
    note(notes, &count, "larder.definitions_version",
         arena_printf(arena, "%llu", (unsigned long long)defined->definitions_version));
    note(notes, &count, "larder.definitions_sha256", defined->definitions_sha256);
    note(notes, &count, "larder.asks_sha256", manifest->asks.sha256);
    note(notes, &count, "larder.as_of", as_of(manifest));
    note(notes, &count, "larder.as_known", flag(manifest->as_known));
    note(notes, &count, "larder.with_status", flag(manifest->with_status));
    note(notes, &count, "larder.full_names", flag(origin->full_names));
    schema->notes = notes;
    schema->note_count = count;
}
