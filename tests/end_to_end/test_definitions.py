"""test_definitions.py - mistakes in a repository: told with their place, all at once, without any service."""
import json
import re

import pytest

from drivers import DEFINITIONS
from repository import Repository

NOWHERE = "postgresql://localhost:1/nowhere"


@pytest.fixture
def repository(tmp_path):
    return Repository(tmp_path / "repository", NOWHERE, "redis://localhost:1", {"features.yaml": DEFINITIONS})


def problems(outcome):
    """(file, line, column, text) of each line that tells a mistake."""
    found = re.findall(r"^(?:\S+: )?([\w./-]+\.yaml):(\d+):(\d+): (.+)$", outcome.err, re.M)
    return [(file.split("/")[-1], int(line), int(column), text) for file, line, column, text in found]


def the_problem(repository, definitions):
    repository.write("features.yaml", definitions)
    found = problems(repository.refused("validate"))
    assert len(found) == 1, found
    return found[0]


def changed(old, new):
    assert old in DEFINITIONS
    return DEFINITIONS.replace(old, new)


def test_good_definitions_are_valid(repository):
    assert "demo" in repository.do("validate").out
    assert repository.do("validate", "--json").json["feature_views"] == 1


def test_definitions_may_be_spread_over_files_in_any_order(repository):
    head, services = DEFINITIONS.split("feature_services:")
    repository.write("features.yaml", "feature_services:" + services)
    repository.write("a.yaml", head)
    repository.do("validate")


def test_anchors_may_be_used(repository):
    repository.write("features.yaml", DEFINITIONS.replace(
        "    features: [driver_stats]", "    features: &all [driver_stats]\n  - name: again\n    features: *all"))
    assert repository.do("validate", "--json").json["feature_services"] == 2


# What is wrong, the definitions, where, and a word of the message.
MISTAKES = [
    ("tab", changed("  - name: driver\n", "\t- name: driver\n"), 2, None, "tab"),
    ("duplicate key", changed("    ttl: 6h\n", "    ttl: 6h\n    ttl: 7h\n"), 14, 5, "ttl"),
    ("unknown key", changed("    ttl: 6h", "    tll: 6h"), 13, 5, 'did you mean'),
    ("unknown top key", changed("entities:\n", "entitys:\n"), 1, 1, "did you mean"),
    ("wrong type", changed("    ttl: 6h", "    ttl: [6h]"), 13, 10, "ttl"),
    ("bad duration", changed("    ttl: 6h", "    ttl: 6 hours"), 13, 10, "6 hours"),
    ("bad feature type", changed("type: float64", "type: float46"), 16, 30, "did you mean"),
    ("bad name", changed("name: rating", "name: Rating"), 16, 16, "Rating"),
    ("missing view", changed("[driver_stats]", "[driver_stat]"), 19, 16, "did you mean"),
    ("missing source", changed("source: trips", "source: trip"), 12, 13, "did you mean"),
    ("missing entity", changed("[driver]", "[river]"), 11, 16, "did you mean"),
    ("entity without keys", changed("join_keys: {driver_id: int64}", "join_keys: {}"), 3, 16, "join_keys"),
    ("float key", changed("driver_id: int64", "driver_id: float64"), 3, 28, "float64"),
    ("source without event time", changed("    event_time: happened\n", ""), 5, None, "event_time"),
    ("table and query", changed("    table: trips\n", "    table: trips\n    query: SELECT 1\n"), None, None, "query"),
    ("two views of one name", changed("feature_services:", """  - name: driver_stats
    entities: [driver]
    source: trips
    features: [{name: rating, type: float64}]
feature_services:"""), 17, 11, "driver_stats"),
    ("feature twice", changed("name: rating,", "name: trip_count,"), 16, 16, "trip_count"),
    ("colliding features", changed("features: [driver_stats]", "features: [driver_stats, {view: driver_stats}]"),
     19, None, "trip_count"),
    ("unknown feature in a service", changed("features: [driver_stats]", "features: [driver_stats: [ratings]]"),
     19, None, "did you mean"),
]


@pytest.mark.parametrize("definitions, line, column, word", [mistake[1:] for mistake in MISTAKES],
                         ids=[mistake[0] for mistake in MISTAKES])
def test_a_mistake_is_told_with_its_place(repository, definitions, line, column, word):
    repository.write("features.yaml", definitions)
    found = problems(repository.refused("validate"))
    assert found, "nothing was told with its place"
    told = [text for file, at_line, at_column, text in found
            if file == "features.yaml" and line in (None, at_line) and column in (None, at_column)]
    assert any(word.lower() in text.lower() for text in told), found


def test_every_mistake_is_told_in_one_run(repository):
    repository.write("features.yaml", DEFINITIONS.replace("ttl: 6h", "tll: 6h").replace("float64", "float46")
                     .replace("features: [driver_stats]", "features: [driver_stat]"))
    repository.write("other.yaml", "entities: 7\n")
    assert {(file, line) for file, line, _, _ in problems(repository.refused("validate"))} == {
        ("features.yaml", 13), ("features.yaml", 16), ("features.yaml", 19), ("other.yaml", 1)}


def test_anchors_in_a_cycle_are_refused(repository):
    assert the_problem(repository, "entities: &a\n  - *a\n")[1] == 2


def test_anchors_that_expand_without_end_are_refused(repository):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    repository.write("features.yaml", "\n".join(lines) + "\n")
    repository.refused("validate", timeout=20)


UNREADABLE = [
    ("over 4 MiB", b"# " + b"x" * (4 << 20) + b"\n"),
    ("100 levels deep", b"a: " + b"[" * 100 + b"]" * 100 + b"\n"),
    ("100,000 levels deep", b"a: " + b"[" * 100000 + b"\n"),
    ("not UTF-8", b"entities:\n  - name: \xff\xfe\n"),
    ("latin 1", "entities: # \u00e9\n".encode("latin-1")),
    ("a NUL", b"entities: []\0\n"),
    ("not a mapping", b"- 1\n"),
    ("two documents", b"entities: []\n---\nentities: []\n"),
    ("cut off", b"entities: [{name: a\n"),
    ("an unknown alias", b"entities: *nobody\n"),
    ("a tag", b"entities: !!python/object/apply:os.system [ls]\n"),
]


@pytest.mark.parametrize("content", [content for _, content in UNREADABLE], ids=[what for what, _ in UNREADABLE])
def test_a_file_that_cannot_be_is_refused(repository, content):
    repository.write("bad.yaml", content)
    assert "bad.yaml" in repository.refused("validate", timeout=20).err


def test_a_file_of_nearly_4_mib_is_read(repository):
    repository.write("big.yaml", b"# " + b"x" * ((4 << 20) - 100) + b"\n")
    repository.do("validate")


def test_an_empty_file_is_harmless(repository):
    repository.write("empty.yaml", "")
    repository.write("comment.yaml", "# nothing yet\n")
    repository.do("validate")


# Settings ------------------------------------------------------------------------------------------

def test_settings_take_environment_variables(repository):
    text = repository.settings_text().replace("project: demo", 'project: "${THE_PROJECT}"')
    repository.write("larder.yaml", text.replace(NOWHERE, "${THE_URL:-postgresql://localhost:1/x}"))
    outcome = repository.do("validate", "--json", environment={"THE_PROJECT": "rides"})
    assert outcome.json["project"] == "rides"


def test_an_unset_variable_is_a_mistake_with_its_place(repository):
    repository.write("larder.yaml", repository.settings_text().replace("project: demo", 'project: "${NOT_SET_AT_ALL}"'))
    assert any(file == "larder.yaml" and line == 1 and "NOT_SET_AT_ALL" in text
               for file, line, _, text in problems(repository.refused("validate")))


def test_a_variable_cannot_smuggle_in_yaml(repository):
    repository.write("larder.yaml", repository.settings_text().replace("project: demo", 'project: "${P}"'))
    repository.refused("validate", environment={"P": "demo\nserver: {grpc: x}"})


@pytest.mark.parametrize("old, new, word", [
    ("offline_store", "ofline_store", "did you mean"),
    ("type: redis", "type: reddis", "redis"),
    ("project: demo\n", "", "project"),
])
def test_wrong_settings_are_refused(repository, old, new, word):
    repository.write("larder.yaml", repository.settings_text().replace(old, new))
    assert word in repository.refused("validate").err.lower()


def test_a_project_that_stands_twice_must_agree(repository):
    repository.write("features.yaml", "project: other\n" + DEFINITIONS)
    assert "other" in repository.refused("validate").err


def test_a_folder_without_settings_says_so(tmp_path):
    repository = Repository(tmp_path / "repository", NOWHERE, "redis://localhost:1")
    repository.path("larder.yaml").unlink()
    assert "larder.yaml" in repository.refused("validate").err


def test_the_folder_may_be_named_before_and_after_the_command(repository):
    for words in (["-C", repository.folder, "validate", "--json"], ["validate", "--json", "-C", repository.folder]):
        assert json.loads(repository.run(*words, environment={}).out)["project"] == "demo"
