/*
 * fuzz_catalog.c - any bytes as the text of a catalog: refused in words, or a whole catalog whose
 * own text reads back as the same.
 */
#include "store/registry/catalog.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds)
{
    if (!holds)
        abort();
}

static void check_view(const struct catalog *catalog, const struct catalog_view *view)
{
    demand(catalog_find_view(catalog, view->view->about.name) == view);
    demand(view->id > 0 && view->id <= catalog->last_view_id && view->generation > 0);
    demand(view->key_set_id > 0 && view->key_set_id <= catalog->key_set_count);
    for (size_t i = 0; i < view->schema_count; i++) {
        const struct view_schema *schema = &view->schemas[i];
        demand(catalog_view_schema(view, schema->number) == schema);
        demand(schema->layout.column_count == schema->column_count);
    }
    demand(view_schema_fits(&view->schemas[view->schema_count - 1], view->view));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct catalog catalog, again;
    struct error err = {0};
    arena_init(&arena, 0);
    enum status status = catalog_decode((struct bytes){data, size}, &arena, &catalog, &err);
    if (status) {
        demand(status == STATUS_CORRUPT && err.message[0]);
    } else {
        for (size_t i = 0; i < catalog.definitions.view_count; i++)
            check_view(&catalog, &catalog.views[i]);
        struct bytes text = catalog_encode(&catalog, &arena);
        demand(catalog_decode(text, &arena, &again, &err) == STATUS_OK);
        demand(bytes_equal(catalog_encode(&again, &arena), text));
    }
    arena_release(&arena);
    return 0;
}
