"""The JSON Schemas for editors accept what Larder accepts, and refuse the wrong shapes."""

import json
import pathlib
import re

import jsonschema
import pytest
import yaml

HERE = pathlib.Path(__file__).resolve().parent
DOCS = HERE.parent.parent / "docs"


class Loader(yaml.SafeLoader):
    """Scalars as YAML 1.2 has them: `on` and `no` are texts."""


Loader.yaml_implicit_resolvers = {}
for tag, pattern, first in [
    ("tag:yaml.org,2002:bool", r"^(true|false)$", "tf"),
    ("tag:yaml.org,2002:int", r"^-?[0-9]+$", "-0123456789"),
    ("tag:yaml.org,2002:float", r"^-?[0-9]+\.[0-9]*$", "-0123456789"),
    ("tag:yaml.org,2002:null", r"^(~|null|Null|NULL|)$", ["~", "n", "N", ""]),
]:
    Loader.add_implicit_resolver(tag, re.compile(pattern), list(first))


def load(path):
    return yaml.load(path.read_text(), Loader)


def validator(name):
    schema = json.loads((DOCS / name).read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def examples(folder):
    found = sorted((HERE / folder).glob("*.yaml"))
    assert found, f"no examples in {folder}"
    return [pytest.param(path, id=path.stem) for path in found]


@pytest.mark.parametrize("path", examples("definitions/valid"))
def test_valid_definitions_pass(path):
    validator("definitions.schema.json").validate(load(path))


@pytest.mark.parametrize("path", examples("definitions/invalid-shape"))
def test_definitions_of_the_wrong_shape_fail(path):
    assert not validator("definitions.schema.json").is_valid(load(path))


@pytest.mark.parametrize("path", examples("settings/valid"))
def test_valid_settings_pass(path):
    validator("settings.schema.json").validate(load(path))


@pytest.mark.parametrize("path", examples("settings/invalid-shape"))
def test_settings_of_the_wrong_shape_fail(path):
    assert not validator("settings.schema.json").is_valid(load(path))
