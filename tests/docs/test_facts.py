"""test_facts.py - what the documents say besides what test_documents.py runs: names, links, what is not run."""
import json
import math
import re
import subprocess
from functools import cache

import pytest

from document import Document
from repository import ROOT, program
from test_documents import DOCUMENTS, OTHER_PROGRAMS

LANGUAGES = {
    "console": {"until", "needs", "not-run"},
    "text": set(), "json": set(), "proto": set(),
    **{language: {"file", "excerpt"} for language in ("yaml", "csv", "python", "c", "sql", "sh", "ini")},
}
# What is shown and never run; each block gives the reason. Whatever is here can go stale: keep it short.
NOT_RUN = {
    "operations.md": [
        "export LARDER_POSTGRES_PASSWORD=... LARDER_REDIS_PASSWORD=...",
        "docker compose build",
        "docker compose run --rm larder init . --stores postgres-redis",
        "docker compose run --rm larder load --source aircraft aircraft.csv",
        "docker compose run --rm larder load --source carrier_hours carrier_hours.csv",
        "docker compose run --rm larder load --source weather weather.csv",
        "docker compose run --rm larder apply",
        "docker compose run --rm larder materialize",
        "docker compose up --detach --wait",
        "docker compose exec larder larder get --service delay_model \\\n"
        "    --entity origin=EWR,carrier=US,other_origin=LGA,tailnum=N647AW",
    ],
    "README.md": ["scripts/demo", "scripts/test", "scripts/setup", "cmake --preset release", "cmake --build --preset release",
                  "export PATH=$PWD/build/release:$PATH", "sudo service postgresql start", "sudo service redis-server start",
                  "sudo -u postgres createuser --createdb $USER", "createdb flights"],
}

documents = pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)


@cache
def said(*words):
    return subprocess.run([program(), *words], capture_output=True, text=True, check=True).stdout


@cache
def commands():
    return re.findall(r"^  ([a-z-]+) ", said("--help"), re.M)


@cache
def options(command):
    return {"-C", "--help", *re.findall(r"^  (-{1,2}[A-Za-z-]+)", said(command, "--help"), re.M)}


# Blocks ---------------------------------------------------------------------------------------------

@documents
def test_every_block_says_what_it_is(path):
    document = Document(path)
    for block in document.blocks:
        where = document.where(block.line - 1)
        assert block.language in LANGUAGES, f"{where}: a block of {block.language or 'nothing'}"
        assert set(block.options) <= LANGUAGES[block.language], f"{where}: {block.options}"
        assert block.options.get("needs", "grpcurl") in OTHER_PROGRAMS, f"{where}: nothing makes that program"
        assert block.language in ("console", "text", "json", "proto") or {"file", "excerpt"} & set(block.options), \
            f"{where}: a file that is not written is not tried: say file=NAME"
        if block.language != "console":
            assert not re.search(r"^\$ ", document.text(block), re.M), f"{where}: a command that is not run"
    for number, line in document.prose():
        assert not line.startswith("    "), f"{document.where(number)}: indented; a fence says what a block is"


def test_what_is_not_run_is_known():
    found = {}
    for document in map(Document, DOCUMENTS):
        for block in document.blocks:
            if "not-run" in block.options:
                assert isinstance(block.options["not-run"], str), f"{document.where(block.line)}: no reason"
                found.setdefault(document.path.name, []).extend(s.command for s in document.steps(block))
    assert found == NOT_RUN


# Names ----------------------------------------------------------------------------------------------

def calls(document):
    """(line number, words) of each `larder ...` in prose, in tables, and in blocks that are not run."""
    for number, line in document.prose():
        for code in re.findall(r"`([^`]+)`", line):
            if code.startswith("larder "):
                yield number, code.split()[1:]
    for block in document.blocks:
        if block.language in ("text", "ini", "sh") or "not-run" in block.options:
            for number in range(block.line, block.end):
                for words in re.findall(r"(?:^|[\s/])larder((?: +-C \S+)?(?: +[-\w=/.:,\[\]]+)+)", document.lines[number]):
                    yield number, words.removeprefix(" larder").split()  # docker compose run larder larder ...


@documents
def test_the_commands_that_are_named_exist(path):
    document = Document(path)
    for number, words in calls(document):
        where = f"{document.where(number)}: larder {' '.join(words)}"
        if words[0] == "-C":
            words = words[2:]
        if words[0] in ("--help", "--version", "COMMAND"):
            continue
        assert words[0] in commands(), where
        for option in re.findall(r"(?<!\S)-{1,2}[A-Za-z][A-Za-z-]*", " ".join(words[1:])):
            assert option in options(words[0]), f"{where}: no {option}"


@documents
def test_the_files_that_are_named_exist(path):
    document = Document(path)
    for number, line in document.prose():
        for name in re.findall(r"`((?:scripts|tests|docs|proto|sdk|examples)/[\w./-]*)`", line):
            assert (ROOT / name).exists(), f"{document.where(number)}: {name}"


def anchors(path):
    headings = [line.lstrip("#").strip() for _, line in Document(path).prose() if re.match(r"#{1,6} ", line)]
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@documents
def test_links_lead_somewhere(path):
    document = Document(path)
    for number, line in document.prose():
        for target in re.findall(r"\]\(([^)]+)\)", line):
            if re.match(r"https?:", target):
                continue
            name, _, anchor = target.partition("#")
            other = path.parent / name if name else path
            assert other.exists(), f"{document.where(number)}: {target}"
            assert not anchor or anchor in anchors(other), f"{document.where(number)}: {target}"


def test_the_readme_leads_to_every_document():
    text = (ROOT / "README.md").read_text()
    assert [p.name for p in DOCUMENTS[1:] if f"(docs/{p.name})" not in text] == []


@documents
def test_documents_stand_alone(path):
    assert not re.search(r"§|design\.md|\bsection \d", path.read_text()), "it cites a text that readers do not have"
    document = Document(path)
    for number, line in document.prose():
        assert len(line) <= 120 or line.startswith("|"), f"{document.where(number)}: {len(line)} characters"


# The reference --------------------------------------------------------------------------------------

def keys_of(schema):
    """Every key that a JSON Schema names."""
    if isinstance(schema, dict):
        yield from schema.get("properties", {})
        for value in schema.values():
            yield from keys_of(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from keys_of(value)


@pytest.mark.parametrize("name", ["definitions", "settings"])
def test_every_key_of_the_language_is_in_the_reference(name):
    text = (ROOT / "docs" / "definitions.md").read_text()
    schema = json.loads((ROOT / "docs" / f"{name}.schema.json").read_text())
    assert [key for key in sorted(set(keys_of(schema))) if f"`{key}`" not in text] == []


def test_every_command_is_in_the_reference():
    lines = (ROOT / "docs" / "command-line.md").read_text().split("\n")
    assert [name for name in commands() if f"## {name}" not in lines or f"$ larder {name} --help" not in lines] == []


# The tables of messages -----------------------------------------------------------------------------

LITERALS = re.compile(r'"((?:[^"\\\n]|\\.)*)"(?:\s*(?:PRI\w+\s*)?"((?:[^"\\\n]|\\.)*)")*')


@cache
def source_texts(*folders):
    """Every string of the C files, joined where it is written in pieces."""
    paths = [path for folder in folders for path in (ROOT / folder).rglob("*.c")]
    return ["".join(re.findall(r'"((?:[^"\\\n]|\\.)*)"', found[0]))
            for path in paths for found in LITERALS.finditer(path.read_text())]


def table_cells(name, column):
    """(line, text of that column) of each row of the document's tables."""
    for number, line in Document(ROOT / "docs" / name).prose():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and not line.startswith("| ---"):
            yield number, cells[column] if column < len(cells) else ""


def test_the_messages_that_are_explained_exist():
    texts = source_texts("cli", "config", "materializer", "server", "store", "training")
    for number, cell in table_cells("operations.md", 0):
        for message in re.findall(r"`([^`]* [^`]*)`", cell):
            pattern = re.compile(".*".join(map(re.escape, message.split("..."))))
            assert any(map(pattern.search, texts)), f"operations.md:{number + 1}: nothing says {message!r}"


def test_the_lines_of_the_servers_log_are_explained():
    said = {message for folder in ("server", "store/online") for path in (ROOT / folder).rglob("*.c") for message in
            re.findall(r'(?:log_line\(|say\(\w+,\s*)LOG_\w+,\s*"([^"]+)"', path.read_text())}
    levels = [number for number, cell in table_cells("operations.md", 0) if cell in ("info", "warning", "error")]
    explained = {message for number, cell in table_cells("operations.md", 1) if number in levels
                 for message in re.findall(r"`([^`]+)`", cell)}
    assert explained == said


def test_the_figures_of_the_readme_are_those_of_the_benchmarks():
    told = re.search(r"\*\*Figures\*\*(.*?)\n\n", (ROOT / "README.md").read_text(), re.S)[1]
    measured = (ROOT / "docs" / "benchmarks.md").read_text()
    figures = re.findall(r"\d[\d,]*\d{3}|\d+\.\d+", told)
    assert len(figures) >= 5
    assert [figure for figure in figures if figure not in measured] == []


# Row of the table of limits -> the folder where its number stands, and its name there.
LIMITS = {
    "entities in a request": ("config", ".max_entities"),
    "features in a request": ("config", ".max_features"),
    "a request": ("config", ".max_message_bytes"),
    "rows that one request may read (entities times views)": ("server", "LOOKUPS_MAX"),
    "an answer": ("server", "ANSWER_BYTES_MIN"),
    "keys of a request, encoded for each view": ("server", "REQUEST_BYTES_MAX"),
    "calls open at once on one connection": ("server", "STREAMS_PER_CONNECTION"),
    "calls at once, of each worker": ("server", "CALLS_MAX"),
    "requests on their way in, of the server": ("server", "INCOMING_BYTES_MIN"),
    "time to answer a request": ("config", ".max_call_ms"),
    "time to take an answer": ("server", "ANSWER_TIMEOUT_MS"),
    "silence of a connection": ("server", "PEER_SILENT_MS"),
    "time to acknowledge a ping": ("server", "PEER_ACKNOWLEDGES_MS"),
    "time between pings of a caller": ("server", "PEER_PINGS_APART_MS"),
    "health watches, of the server": ("server/control", "WATCHES_MAX"),
    "a key, all its parts": ("base", "ENTITY_KEY_MAX"),
    "features of a view": ("base", "ROW_COLUMNS_MAX"),
    "join keys of an entity": ("config", "KEYS_MAX"),
    "a file of definitions": ("config", "YAML_SIZE_MAX"),
}
UNITS = {"": 1, " bytes": 1, " MiB": 1 << 20, " s": 1000}


def number_in_sources(folder, name):
    for path in sorted((ROOT / folder).glob("*.[ch]")):
        found = re.search(rf"(?<!\w){re.escape(name)}\s*=\s*(\d[\d\s*]*)", path.read_text())
        if found:
            return math.prod(int(factor) for factor in found[1].split("*"))
    return None


def test_the_limits_are_those_of_the_sources():
    told = dict(table_cells("operations.md", 1))
    rows = {what: told[number] for number, what in table_cells("operations.md", 0)}
    for what, (folder, name) in LIMITS.items():
        number, unit = re.fullmatch(r"([\d,]+)( \w+)?", rows[what]).groups("")
        assert int(number.replace(",", "")) * UNITS[unit] == number_in_sources(folder, name), f"{what}: see {name}"
