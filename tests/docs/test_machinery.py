"""test_machinery.py - a document that has gone stale is noticed."""
import subprocess

import pytest

from document import Document
from sameness import same
from test_documents import check_excerpt, difference, run_block


class Shell:
    """A session with nothing but a shell."""

    def run(self, command):
        done = subprocess.run(["bash", "-c", command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return done.stdout.splitlines() + ([f"(exit {done.returncode})"] if done.returncode else [])


def document_of(tmp_path, text):
    path = tmp_path / "a.md"
    path.write_text(text)
    return Document(path)


def wrong(document):
    return [difference(document, step, lines) for block in document.blocks
            for step, lines in run_block(Shell(), document, block) if not same(step.expected, lines)]


def test_an_output_that_differs_is_told_with_its_place(tmp_path):
    document = document_of(tmp_path, "A.\n\n```console\n$ echo 1\n1\n$ echo 2\n3\n```\n")
    assert len(wrong(document)) == 1 and wrong(document)[0].startswith("a.md:6: $ echo 2\n")


def test_a_command_that_fails_shows_its_code(tmp_path):
    assert wrong(document_of(tmp_path, "```console\n$ echo no; exit 2\nno\n```\n"))
    assert not wrong(document_of(tmp_path, "```console\n$ echo no; exit 2\nno\n(exit 2)\n```\n"))


def test_a_command_may_go_on_in_the_next_line(tmp_path):
    assert not wrong(document_of(tmp_path, '```console\n$ echo a \\\n    b\na b\n$ echo "c\n> d"\nc\nd\n```\n'))


def test_a_hidden_command_has_to_succeed(tmp_path):
    assert not wrong(document_of(tmp_path, "<!-- run\n$ echo whatever\n-->\n"))
    with pytest.raises(AssertionError):
        wrong(document_of(tmp_path, "<!-- run\n$ exit 1\n-->\n"))


def test_what_was_printed_replaces_what_was_not(tmp_path):
    document = document_of(tmp_path, "```console\n$ echo 1\n$ echo 2\n3\n4\n```\n\nEnd.\n")
    block = document.blocks[0]
    document.replace(list(run_block(Shell(), document, block)))
    assert document.path.read_text() == "```console\n$ echo 1\n1\n$ echo 2\n2\n```\n\nEnd.\n"


def test_an_excerpt_that_is_none_is_told(tmp_path):
    (tmp_path / "a.yaml").write_text("a: 1\nb: 2\nc: 3\n")
    document = document_of(tmp_path, "```yaml excerpt=a.yaml\na: 1\nc: 3\n```\n\n```yaml excerpt=a.yaml\nc: 3\na: 1\n```\n")
    check_excerpt(document, document.blocks[0], tmp_path / "a.yaml")
    with pytest.raises(AssertionError, match="a.md:8"):
        check_excerpt(document, document.blocks[1], tmp_path / "a.yaml")


def test_a_block_without_an_end_is_refused(tmp_path):
    with pytest.raises(ValueError):
        document_of(tmp_path, "```console\n$ echo 1\n")


@pytest.mark.parametrize("one, other, alike", [
    ("at 2026-11-21T10:00:00.123456Z", "at 2027-01-02T03:04:05Z", True),
    ("at 2013-06-01T10:00:00Z", "at 2013-06-01T11:00:00Z", False),
    ("wind  12  PRESENT  just now", "wind  12  PRESENT    52 min ago", True),
    ("wind  12  PRESENT", "wind  13  PRESENT", False),
    ("7 rows in 0.02 s to a.csv", "7 rows in 1.10 s to a.csv", True),
    ("7 rows in 0.02 s to a.csv", "8 rows in 0.02 s to a.csv", False),
    ("weather  first run     2        2      0     0.01", "weather  first run  2  2  0  12.31", True),
    ("weather  first run     2        2      0     0.01", "weather  first run  3  2  0  0.01", False),
    ("    indented", "indented", False),
])
def test_what_every_run_prints_differently_is_the_same(one, other, alike):
    assert same([one], [other]) == alike
