/* registry_fixture.c - see registry_fixture.h. */
#include "tests/conformance/registry_fixture.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

void demand(struct fixture *f, enum status status)
{
    if (status)
        fail_msg("%s: %s", status_name(status), f->err.message);
}

struct registry *another_handle(struct fixture *f)
{
    struct registry *registry;
    demand(f, registry_open(&f->settings, &registry, &f->err));
    return registry;
}

struct apply_outcome *apply_with(struct fixture *f, const struct definitions *definitions,
                                 struct apply_options options)
{
    struct apply_outcome *outcome = arena_zero(&f->arena, sizeof *outcome);
    demand(f, registry_apply(f->registry, definitions, options, &f->arena, outcome, &f->err));
    return outcome;
}

struct apply_outcome *apply(struct fixture *f, const struct definitions *definitions)
{
    return apply_with(f, definitions, (struct apply_options){0});
}

struct apply_outcome *prune(struct fixture *f, const struct definitions *definitions)
{
    return apply_with(f, definitions, (struct apply_options){.prune = true});
}

void check_refused(struct fixture *f, const struct definitions *definitions,
                   const char *const *words, size_t count)
{
    struct apply_outcome outcome;
    assert_int_equal(registry_apply(f->registry, definitions, (struct apply_options){0}, &f->arena,
                                    &outcome, &f->err),
                     STATUS_CONFLICT);
    for (size_t i = 0; i < count; i++)
        if (!strstr(f->err.message, words[i]))
            fail_msg("\"%s\" does not say %s", f->err.message, words[i]);
}

const struct catalog *read_catalog(struct fixture *f)
{
    struct catalog *catalog = arena_zero(&f->arena, sizeof *catalog);
    demand(f, registry_read(f->registry, "shop", &f->arena, catalog, &f->err));
    return catalog;
}

uint64_t version(struct fixture *f)
{
    struct registry_version version;
    demand(f, registry_version(f->registry, "shop", &version, &f->err));
    return version.number;
}

const struct catalog_view *view_of(const struct catalog *catalog, const char *name)
{
    const struct catalog_view *view = catalog_find_view(catalog, name);
    assert_non_null(view);
    return view;
}

struct view_state state_of(struct fixture *f, const char *view)
{
    const struct catalog *catalog = read_catalog(f);
    struct view_state *states;
    demand(f, registry_view_states(f->registry, catalog, &f->arena, &states, &f->err));
    return states[view_of(catalog, view) - catalog->views];
}

bool advance_under(struct fixture *f, const struct catalog *catalog, const char *view,
                   int64_t watermark_us, int64_t position, bool clears_stale)
{
    struct view_state state = {.view_id = view_of(catalog, view)->id,
                               .has_watermark = true,
                               .watermark_us = watermark_us,
                               .position = position};
    bool outdated;
    demand(f, registry_advance(f->registry, catalog, &state, clears_stale, &outdated, &f->err));
    return outdated;
}

void advance(struct fixture *f, const char *view, int64_t watermark_us, int64_t position)
{
    assert_false(advance_under(f, read_catalog(f), view, watermark_us, position, false));
}

bool same_catalog(struct fixture *f, const struct catalog *a, const struct catalog *b)
{
    return bytes_equal(catalog_encode(a, &f->arena), catalog_encode(b, &f->arena));
}
