"""test_documents.py - every command that README.md and docs/ show is run, and prints what they say.

Each document has a home, a database and a Redis of its own; its blocks are run in their order.
tests/docs/run --update writes what was printed into the documents.
"""
import difflib
import os
import re
import shutil
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
CONTROL = re.compile(r"^(stop|start|freeze|thaw) (redis|postgres|serve|follow)$")


@pytest.fixture(scope="module")
def cluster():
    """A PostgreSQL of these tests' own, which documents may stop; it is started again behind them."""
    folder = os.path.join(os.environ["LARDER_TEST_TMP"], "docs-postgres")
    with services.Postgres(folder) as server:
        yield server


@pytest.fixture
def session(tmp_path, cluster, server_folder):
    if cluster.process.poll() is not None:
        cluster.start()
    psql(cluster.url, "DROP DATABASE IF EXISTS flights WITH (FORCE)", "CREATE DATABASE flights")
    with services.Redis(server_folder + "/redis") as redis, Session(tmp_path, cluster, redis) as session:
        yield session


def is_release():
    return "LARDER_SANITIZE:STRING=\n" in (Path(program()).parent / "CMakeCache.txt").read_text()


def lacks(options):
    return "needs" in options and not shutil.which(options["needs"])


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


@pytest.mark.skipif(not is_release(), reason="documents are run in release")
@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_what_a_document_shows_is_so(path, session):
    document, outputs, wrong = Document(path), [], []
    for block in document.blocks:
        if "file" in block.options:
            session.write(block.options["file"], document.text(block))
        if block.language != "console" or "not-run" in block.options or lacks(block.options):
            continue
        for step, lines in run_block(session, document, block):
            if not same(step.expected, lines):
                outputs.append((step, lines))
                wrong.append(difference(document, step, lines))
    if UPDATES:
        document.replace(outputs)
    assert UPDATES or not wrong, "\n\n".join(wrong) + "\n\nif that is right: tests/docs/run --update"
