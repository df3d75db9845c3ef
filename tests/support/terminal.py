"""terminal.py - run a command as a person does, on a terminal of so many columns, and get what stands there.

    shown = on_terminal(repository, "plan")
    shown.text     the lines as they are left to be read: without colours, without what was written over
    shown.raw      all that was sent, escape codes included
    shown.code     the exit code
"""
import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
import unicodedata

from repository import program

COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class Shown:
    def __init__(self, command, raw, code):
        self.command, self.raw, self.code = command, raw, code

    @property
    def text(self):
        plain = COLOUR.sub("", self.raw).replace("\r\n", "\n")
        return re.sub(r"[^\n]*\r\x1b\[K", "", plain)

    @property
    def painted(self):
        return COLOUR.search(self.raw) is not None

    def __repr__(self):
        return f"$ {self.command}\nexit {self.code}\n{self.text}"


def columns_of(line):
    """How wide a terminal shows it."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)


def on_terminal(repository, *arguments, columns=80, environment=None, typed=""):
    """The program's output and error on one terminal, as it lies in the repository's folder."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    bare = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "CLICOLOR_FORCE")}
    words = [program(), *map(str, arguments)]
    process = subprocess.Popen(words, cwd=repository.folder, stdin=theirs, stdout=theirs, stderr=theirs,
                               env={**bare, "TERM": "xterm-256color", **(environment or {})}, start_new_session=True)
    os.close(theirs)
    os.write(ours, typed.encode())
    raw = b""
    try:
        while block := os.read(ours, 65536):
            raw += block
    except OSError:
        pass  # Linux' way to say that nobody holds the other end any more
    os.close(ours)
    return Shown(" ".join(words), raw.decode(), process.wait(60))
