"""document.py - a Markdown document and what in it can be run.

A fence's first line says what its text is; a reader sees only the text.

    ```console                      `$ command` lines, each followed by what it prints
    ```console until=WORD           the same, but the command runs on; it prints this, up to a line with WORD
    ```console needs=PROGRAM        run only where PROGRAM is installed
    ```console not-run="REASON"     shown, and never run: test_facts.py lists these
    ```yaml file=flights/a.yaml     written to that file before what follows is run (any language)
    ```yaml excerpt=flights/a.yaml  some lines of that file, in their order, as it is by now
    ```text                         a picture, or the shape of something: nothing to run (json, proto as well)

    <!-- run                        commands that a reader need not see; they have to succeed
    $ psql -c "..."
    -->

A command ends with its line, unless that ends in a backslash or the next line begins with "> ".
A command that does not exit with 0 has "(exit N)" as the last line of its output.
"""
import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path

FENCE = re.compile(r"^(`{3,})\s*(.*)$")


@dataclass
class Block:
    language: str
    options: dict
    line: int  # the first line of its text, from 0; the document's lines[line:end] are it
    end: int
    hidden: bool = False


@dataclass
class Step:
    """One command, and where in the document its output stands."""
    command: str
    line: int
    end: int
    expected: list = field(default_factory=list)


def options_of(info):
    """("console", {"until": "serving"}) of `console until=serving`; an option without a value is True."""
    language, *words = shlex.split(info) or [""]
    return language, {name: value if equals else True for name, equals, value in (w.partition("=") for w in words)}


class Document:
    def __init__(self, path):
        self.path = Path(path)
        self.lines = self.path.read_text().split("\n")
        self.blocks = list(self._read_blocks())

    def where(self, line):
        return f"{self.path.name}:{line + 1}"

    def _read_blocks(self):
        at = 0
        while at < len(self.lines):
            fence = FENCE.match(self.lines[at])
            if fence:
                closing, (language, options), hidden = fence[1], options_of(fence[2]), False
            elif self.lines[at] == "<!-- run":
                closing, language, options, hidden = "-->", "console", {}, True
            else:
                at += 1
                continue
            if closing not in self.lines[at + 1:]:
                raise ValueError(f"{self.where(at)}: this block does not end")
            end = self.lines.index(closing, at + 1)
            yield Block(language, options, at + 1, end, hidden)
            at = end + 1

    def text(self, block):
        return "".join(line + "\n" for line in self.lines[block.line:block.end])

    def steps(self, block):
        at, steps = block.line, []
        while at < block.end:
            line = self.lines[at]
            at += 1
            if not line.startswith("$ "):
                if not steps:
                    raise ValueError(f"{self.where(at - 1)}: a console begins with a command")
                steps[-1].expected.append(line)
                steps[-1].end = at
                continue
            command = line[2:]
            while at < block.end and (command.endswith("\\") or self.lines[at].startswith("> ")):
                command += "\n" + self.lines[at].removeprefix("> ")
                at += 1
            steps.append(Step(command, at, at))
        return steps

    def prose(self):
        """(line number, text) of what stands outside of blocks and comments."""
        blocks = [(b.line - 1, b.end) for b in self.blocks]
        comment = False
        for number, line in enumerate(self.lines):
            comment = comment or line.startswith("<!--")
            if not comment and not any(begin <= number <= end for begin, end in blocks):
                yield number, line
            comment = comment and "-->" not in line

    def replace(self, outputs):
        """Writes the document anew. outputs: (step, lines), in the order of the document."""
        for step, lines in reversed(outputs):
            self.lines[step.line:step.end] = lines
        self.path.write_text("\n".join(self.lines))
