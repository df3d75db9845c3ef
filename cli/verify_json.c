/* verify_json.c - what verify found, for programs: see verify_report.h. */
#include "base/timestamp.h"
#include "base/value_text.h"
#include "cli/verify_report.h"

#include <jansson.h>
#include <math.h>

static const char *const state_names[] = {[VERIFY_COMPARED] = "compared",
                                          [VERIFY_NEVER] = "never_materialized",
                                          [VERIFY_STALE] = "stale",
                                          [VERIFY_PENDING] = "to_be_rebuilt",
                                          [VERIFY_CHANGED] = "changed"};

static json_t *time_to_json(bool has, int64_t us)
{
    char text[TIMESTAMP_TEXT_SIZE];
    if (!has || !timestamp_in_range(us))
        return json_null();
    timestamp_format(us, text);
    return json_string(text);
}

/* What JSON lacks is text as in CSV. */
static json_t *value_to_json(const struct value *value)
{
    if (value->is_null)
        return json_null();
    switch (value->type) {
    case TYPE_BOOL:
        return json_boolean(value->boolean);
    case TYPE_INT32:
        return json_integer(value->int32);
    case TYPE_INT64:
        return json_integer(value->int64);
    case TYPE_FLOAT64:
        if (isfinite(value->float64))
            return json_real(value->float64);
        break;
    default:
        break;
    }
    struct buffer text;
    buffer_init(&text, 0);
    value_format(value, &text);
    json_t *json = json_stringn((const char *)text.data, text.size);
    buffer_release(&text);
    return json;
}

static json_t *values_to_json(const struct verified_key *key)
{
    json_t *json = json_array();
    for (size_t i = 0; i < key->value_count; i++) {
        const struct verified_value *value = &key->values[i];
        json_array_append_new(json, json_pack("{s:s, s:b, s:o, s:o}", "feature", value->feature,
                                              "lacking", value->is_lacking, "online",
                                              value_to_json(&value->online), "history",
                                              value_to_json(&value->history)));
    }
    return json;
}

static json_t *key_to_json(const struct verified_view *view, const struct verified_key *key)
{
    json_t *keys = json_object();
    for (size_t i = 0; key->keys && i < view->key_count; i++)
        json_object_set_new(keys, view->key_names[i], value_to_json(&key->keys[i]));
    return json_pack("{s:s, s:o, s:o, s:o, s:s?, s:o}", "verdict", verdict_name(key->verdict),
                     "keys", keys, "online_event_time",
                     time_to_json(key->has_online, key->online_us), "history_event_time",
                     time_to_json(key->has_history, key->history_us), "problem", key->problem,
                     "values", values_to_json(key));
}

static json_t *features_to_json(const struct verified_view *view)
{
    json_t *json = json_array();
    for (size_t i = 0; i < view->feature_count; i++)
        json_array_append_new(json, json_pack("{s:s, s:I, s:I}", "feature", view->features[i],
                                              "different", (json_int_t)view->different[i],
                                              "ambiguous", (json_int_t)view->ambiguous[i]));
    return json;
}

static void set_count(json_t *json, const char *name, uint64_t count)
{
    json_object_set_new(json, name, json_integer((json_int_t)count));
}

static json_t *view_to_json(const struct verified_view *view)
{
    json_t *shown = json_array();
    for (size_t i = 0; i < view->shown_count; i++)
        json_array_append_new(shown, key_to_json(view, &view->shown[i]));
    json_t *json =
        json_pack("{s:s, s:s, s:s?, s:o, s:f}", "view", view->view, "state",
                  state_names[view->state], "reason", view->reason, "watermark",
                  time_to_json(view->has_watermark, view->watermark_us), "share", view->share);
    set_count(json, "keys", view->keys);
    for (int verdict = VERDICT_EQUAL; verdict < VERDICT_COUNT; verdict++)
        set_count(json, verdict_name((enum verdict)verdict), view->counts[verdict]);
    set_count(json, "recent", view->recent);
    set_count(json, "left_out", view->left_out);
    set_count(json, "long_keys", view->long_keys);
    set_count(json, "misfits", view->misfits);
    json_object_set_new(json, "features", features_to_json(view));
    json_object_set_new(json, "shown", shown);
    return json;
}

json_t *verify_report_to_json(const struct verify_report *report)
{
    json_t *views = json_array();
    for (size_t i = 0; i < report->count; i++)
        json_array_append_new(views, view_to_json(&report->views[i]));
    return json_pack("{s:o, s:I, s:I, s:b, s:s?}", "views", views, "keys", (json_int_t)report->keys,
                     "differences", (json_int_t)report->differences, "within", report->is_within,
                     "error", report->error);
}
