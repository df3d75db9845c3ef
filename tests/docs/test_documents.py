"""test_documents.py - every command that README.md and docs/ show is run, and prints what they say.

Each document has a home, a database and a Redis of its own; its blocks are run in their order.
tests/docs/run --update writes what was printed into the documents.
"""
import difflib
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import services
from document import Document
from repository import ROOT, program
from sameness import blank, same
from session import Failed, Session
from sql import psql

DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
UPDATES = os.environ.get("LARDER_DOCS_UPDATE") == "1"
# needs=NAME -> the Go module that makes it.
OTHER_PROGRAMS = {"grpcurl": "github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.3"}
CONTROL = re.compile(r"^(stop|start|freeze|thaw) (redis|postgres|serve|follow)$")


@pytest.fixture(scope="module")
def cluster():
    """A PostgreSQL of these tests' own, which documents may stop; it is started again behind them."""
    folder = os.path.join(os.environ["LARDER_TEST_TMP"], "docs-postgres")
    with services.Postgres(folder) as server:
        yield server


@pytest.fixture
def open_session(tmp_path, cluster, server_folder):
    """open_session(programs) is a session in which nothing has been done yet."""
    if cluster.process.poll() is not None:
        cluster.start()
    psql(cluster.url, "DROP DATABASE IF EXISTS flights WITH (FORCE)", "CREATE DATABASE flights")
    with services.Redis(server_folder + "/redis") as redis:
        yield lambda programs="": Session(tmp_path, cluster, redis, programs)


@pytest.fixture(scope="module")
def other_programs(tmp_path_factory):
    """A folder with the programs that Debian does not have, made on the spot."""
    if not shutil.which("go"):
        pytest.skip("there is no go to make them with")
    folder = tmp_path_factory.mktemp("programs")
    for module in OTHER_PROGRAMS.values():
        subprocess.run(["go", "install", module], env={**os.environ, "GOBIN": str(folder)}, check=True)
    return folder


def is_release():
    return "LARDER_SANITIZE:STRING=\n" in (Path(program()).parent / "CMakeCache.txt").read_text()


def run_step(session, step, options):
    control = CONTROL.match(step.command)
    if control:
        session.control(*control.groups())
        return []
    return session.start(step.command, options["until"]) if "until" in options else session.run(step.command)


def run_block(session, document, block):
    """(step, lines that it printed) of each step."""
    for step in document.steps(block):
        try:
            lines = run_step(session, step, block.options)
        except Failed as failure:
            raise AssertionError(f"{document.where(step.line - 1)}: {failure}") from None
        if block.hidden:
            assert not lines or not lines[-1].startswith("(exit "), f"{document.where(step.line - 1)}: {lines}"
        else:
            yield step, lines


def difference(document, step, lines):
    said = difflib.unified_diff([blank(line) for line in step.expected], [blank(line) for line in lines],
                                "the document", "what was printed", lineterm="")
    return "\n".join([f"{document.where(step.line - 1)}: $ {step.command}", *said, "printed:", *lines])


def check_excerpt(document, block, path):
    lines = iter(path.read_text().split("\n"))
    for number in range(block.line, block.end):
        assert document.lines[number] in lines, f"{document.where(number)}: {path.name} has no such line (there)"


def check(document, session):
    outputs, wrong = [], []
    for block in document.blocks:
        if "file" in block.options:
            session.write(block.options["file"], document.text(block))
        if "excerpt" in block.options:
            check_excerpt(document, block, session.home / block.options["excerpt"])
        if block.language != "console" or "not-run" in block.options:
            continue
        if "needs" in block.options and not session.has(block.options["needs"]):
            continue
        for step, lines in run_block(session, document, block):
            if not same(step.expected, lines):
                outputs.append((step, lines))
                wrong.append(difference(document, step, lines))
    if UPDATES:
        document.replace(outputs)
    assert UPDATES or not wrong, "\n\n".join(wrong) + "\n\nif that is right: tests/docs/run --update"


in_release = pytest.mark.skipif(not is_release(), reason="documents are run in release")


@in_release
@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_what_a_document_shows_is_so(path, open_session):
    with open_session() as session:
        check(Document(path), session)


def names_other_programs(path):
    return any("needs" in block.options for block in Document(path).blocks)


@in_release
@pytest.mark.long
@pytest.mark.parametrize("path", filter(names_other_programs, DOCUMENTS), ids=lambda path: path.name)
def test_what_a_document_shows_with_other_programs_is_so(path, open_session, other_programs):
    with open_session(other_programs) as session:
        check(Document(path), session)
