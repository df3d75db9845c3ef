"""asking.py - ask a server for features over either service, and get the answer in one shape.

    ask_larder(stubs, channel, {"driver_id": "int64"}, [(1,), (2,)], feature_service="s")
    -> {"trips": [(PRESENT, 1700000000000000, 3), (NOT_FOUND, 0, None)]}

Each feature has one (status, event time in us, value) a key; the value is None unless it is present.
Timestamps are microseconds, Feast's whole seconds included. The statuses are the same in both services.
"""
PRESENT, NULL_VALUE, NOT_FOUND, OUTSIDE_MAX_AGE = 1, 2, 3, 4
STATUS_NAMES = {PRESENT: "PRESENT", NULL_VALUE: "NULL_VALUE", NOT_FOUND: "NOT_FOUND",
                OUTSIDE_MAX_AGE: "OUTSIDE_MAX_AGE"}

LARDER_KEYS = {"int32": "int64_values", "int64": "int64_values", "string": "string_values", "bytes": "bytes_values",
               "bool": "bool_values", "timestamp": "timestamp_values"}
FEAST_KEYS = {"int32": "int32_val", "int64": "int64_val", "string": "string_val", "bytes": "bytes_val",
              "bool": "bool_val", "timestamp": "unix_timestamp_val"}
FILLING = {"string": "", "bytes": b""}  # what stands in the place of a null key; otherwise 0


def larder_request(stubs, key_types, keys, **what):
    """A GetFeaturesRequest. what: its other fields, such as feature_service; features is a list here."""
    v1 = stubs.larder
    if "features" in what:
        what["features"] = v1.FeatureList(references=what["features"])
    request = v1.GetFeaturesRequest(**what)
    for i, (name, kind) in enumerate(key_types.items()):
        nulls = [row for row, key in enumerate(keys) if key[i] is None]
        column = request.entities.add(name=name, null_rows=nulls)
        values = [FILLING.get(kind, 0) if key[i] is None else key[i] for key in keys]
        values_of(getattr(column, LARDER_KEYS[kind])).extend(values)
        getattr(column, LARDER_KEYS[kind]).SetInParent()
    return request


def get_features(stubs, channel, request, timeout=30):
    return stubs.larder_grpc.FeatureServiceStub(channel).GetFeatures(request, timeout=timeout)


def ask_larder(stubs, channel, key_types, keys, **what):
    request = larder_request(stubs, key_types, keys, with_statuses=True, with_event_times=True, **what)
    return larder_answer(get_features(stubs, channel, request), keys)


def larder_answer(answer, keys):
    assert answer.row_count == len(keys)
    found = {}
    for column in answer.columns:
        times = answer.views[column.view].event_times_us
        rows = zip(column.statuses, times, larder_values(column), strict=True)
        found[column.name] = [(status, time, value if status == PRESENT else None) for status, time, value in rows]
        assert len(column.statuses) == len(keys)
    return found


def values_of(message):
    """The numbers or texts of any of the ...Values messages."""
    return message.values_us if hasattr(message, "values_us") else message.values


def larder_values(column):
    field = column.WhichOneof("values")
    if field != "list_values":
        return values_of(getattr(column, field))
    return [list(values_of(getattr(each, each.WhichOneof("values")))) if each.WhichOneof("values") else []
            for each in column.list_values.values]


def feast_request(stubs, key_types, keys, **what):
    if "features" in what:
        what["features"] = stubs.feast.FeatureList(val=what["features"])
    request = stubs.feast.GetOnlineFeaturesRequest(**what)
    for i, (name, kind) in enumerate(key_types.items()):
        values = request.entities[name].val
        values.extend(stubs.value.Value() if key[i] is None else stubs.value.Value(**{FEAST_KEYS[kind]: key[i]})
                      for key in keys)
    return request


def get_online_features(stubs, channel, request, timeout=30):
    return stubs.feast_grpc.ServingServiceStub(channel).GetOnlineFeatures(request, timeout=timeout)


def ask_feast(stubs, channel, key_types, keys, **what):
    """As ask_larder; the join keys, which Feast answers first, are checked and left out."""
    answer = get_online_features(stubs, channel, feast_request(stubs, key_types, keys, **what))
    names, results = list(answer.metadata.feature_names.val), list(answer.results)
    assert len(names) == len(results) and set(names[:len(key_types)]) == set(key_types), names
    found = {}
    for name, vector in zip(names[len(key_types):], results[len(key_types):]):
        rows = zip(vector.statuses, vector.event_timestamps, vector.values, strict=True)
        found[name] = [(status, time.seconds * 1_000_000 + time.nanos // 1000, feast_value(value))
                       for status, time, value in rows]
        assert len(vector.statuses) == len(keys)
    return found


def feast_value(value):
    field = value.WhichOneof("val")
    if field in (None, "null_val"):
        return None
    found = getattr(value, field)
    if field.startswith("unix_timestamp"):
        return [each * 1_000_000 for each in found.val] if field.endswith("list_val") else found * 1_000_000
    return list(found.val) if field.endswith("list_val") else found
