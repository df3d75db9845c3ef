/* apply_rules.c - see apply_rules.h. */
#include "store/registry/apply_rules.h"

#include "base/buffer.h"

/* Where the lists end in a message, which says how many names it leaves out. */
enum { REPLACED_END = 700, REMOVED_END = 1700, DETAILS_MAX = 4, REASON_BYTES_MAX = 400 };

enum { GAP_MAX = 500 };

static void append_removed(struct buffer *text, const struct difference *difference)
{
    size_t left_out = 0, named = 0;
    for (size_t i = 0; i < difference->change_count; i++) {
        const struct change *change = &difference->changes[i];
        if (change->kind != CHANGE_REMOVED)
            continue;
        if (text->size > REMOVED_END)
            left_out++;
        else
            buffer_printf(text, "%s%s %s", named++ ? ", " : "", object_kind_name(change->object),
                          change->name);
    }
    if (left_out)
        buffer_printf(text, " and %zu more", left_out);
}

static size_t count_kind(const struct difference *difference, enum change_kind kind)
{
    size_t count = 0;
    for (size_t i = 0; i < difference->change_count; i++)
        count += difference->changes[i].kind == kind;
    return count;
}

static void append_replaced(struct buffer *text, const struct difference *difference)
{
    size_t left_out = 0;
    for (size_t i = 0; i < difference->change_count; i++) {
        const struct change *change = &difference->changes[i];
        if (!change->needs_replace)
            continue;
        if (text->size > REPLACED_END)
            left_out++;
        else
            buffer_printf(text, "%sfeature view %s needs --replace (%s)", text->size ? "; " : "",
                          change->name, change->needs_replace);
    }
    if (left_out)
        buffer_printf(text, " and %zu more", left_out);
}

static size_t count_replaced(const struct difference *difference)
{
    size_t count = 0;
    for (size_t i = 0; i < difference->change_count; i++)
        count += difference->changes[i].needs_replace != NULL;
    return count;
}

enum status apply_check(const struct difference *difference, struct apply_options options,
                        struct error *err)
{
    struct buffer text;
    buffer_init(&text, 0);
    if (count_replaced(difference)) {
        append_replaced(&text, difference);
        buffer_append_text(&text, ", which is not possible yet: give the changed view a new name");
    }
    if (!options.prune && count_kind(difference, CHANGE_REMOVED)) {
        buffer_append_text(&text, text.size ? "; " : "");
        buffer_append_text(&text, "applied before, but no longer defined: ");
        append_removed(&text, difference);
        buffer_append_text(&text, ": put back what should stay, or remove it with --prune");
    }
    enum status status = STATUS_OK;
    if (text.size)
        status = fail(err, STATUS_CONFLICT, "%.*s", (int)text.size, (const char *)text.data);
    buffer_release(&text);
    return status;
}

/* Not in the middle of a character. */
static size_t cut_text(const struct buffer *text, size_t max)
{
    size_t size = text->size < max ? text->size : max;
    while (size > 0 && size < text->size && (text->data[size] & 0xc0) == 0x80)
        size--;
    return size;
}

const char *stale_reason(const struct change *change, struct arena *arena)
{
    struct buffer text;
    buffer_init(&text, 0);
    buffer_append_text(&text, "changed");
    for (size_t i = 0; i < change->detail_count && i < DETAILS_MAX; i++)
        buffer_printf(&text, "%s%s", i ? "; " : ": ", change->details[i]);
    if (change->detail_count > DETAILS_MAX)
        buffer_printf(&text, " and %zu more", change->detail_count - DETAILS_MAX);
    struct bytes cut = {text.data, cut_text(&text, REASON_BYTES_MAX)};
    const char *reason = arena_text_of(arena, cut);
    buffer_release(&text);
    return reason;
}

static void mark_changed(const struct difference *difference, const struct catalog *catalog,
                         struct arena *arena, struct stale_mark *marks, size_t *count)
{
    for (size_t i = 0; i < difference->change_count; i++) {
        const struct change *change = &difference->changes[i];
        if (change->object != OBJECT_FEATURE_VIEW || change->kind != CHANGE_ALTERED ||
            !change->becomes_stale)
            continue;
        marks[(*count)++] = (struct stale_mark){
            .view_id = catalog_find_view(catalog, change->name)->id,
            .reason = stale_reason(change, arena),
            .renews_pending = true,
            .rebuilds = change->rebuilds,
        };
    }
}

void stale_marks(const struct difference *difference, struct apply_options options,
                 const struct catalog *catalog, struct arena *arena, struct stale_mark **marks,
                 size_t *count)
{
    size_t view_count = catalog->definitions.view_count;
    *marks = arena_array(arena, view_count, sizeof **marks);
    *count = 0;
    if (!options.take_over) {
        mark_changed(difference, catalog, arena, *marks, count);
        return;
    }
    for (; *count < view_count; ++*count)
        (*marks)[*count] =
            (struct stale_mark){.view_id = catalog->views[*count].id, .reason = "taken over"};
}

uint32_t generation_gap(uint64_t system_identifier)
{
    return 1 + (uint32_t)(system_identifier % GAP_MAX);
}
