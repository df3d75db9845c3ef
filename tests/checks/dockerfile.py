"""dockerfile.py - a Dockerfile as its stages, and enough of an engine to carry them out in folders.

FROM scratch is an empty folder, FROM debian:... what debootstrap makes; RUN is a shell below that root; COPY copies.
A command of the finished image runs below its root as its user, with its environment, in its folder.
"""
import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path

MIRROR = "http://deb.debian.org/debian"
SUITES = {"debian:12-slim": "bookworm"}
# Whom this machine trusts: between it and the registries there may be a proxy.
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")


class Stage:
    def __init__(self, base, name):
        self.base, self.name, self.steps = base, name, []

    def last(self, keyword):
        """The argument of the last such instruction, or None."""
        return next((argument for word, argument in reversed(self.steps) if word == keyword), None)

    def all(self, keyword):
        return [argument for word, argument in self.steps if word == keyword]

    def words(self, keyword):
        return json.loads(self.last(keyword))

    def environment(self):
        return dict(word.split("=", 1) for line in self.all("ENV") for word in shlex.split(line))


def read(path):
    """The stages of a Dockerfile."""
    text = "\n".join(line for line in Path(path).read_text().split("\n") if not line.startswith("#"))
    stages = []
    for line in re.sub(r"\\\n\s*", "", text).split("\n"):
        if not line.strip():
            continue
        word, argument = line.split(None, 1)
        if word == "FROM":
            base, _, name = argument.partition(" AS ")
            stages.append(Stage(base, name or None))
        else:
            stages[-1].steps.append((word, argument))
    return stages


def copy_words(argument):
    """(options, sources, target) of a COPY."""
    words = shlex.split(argument)
    options = dict(word[2:].split("=", 1) for word in words if word.startswith("--"))
    *sources, target = [word for word in words if not word.startswith("--")]
    return options, sources, target


class Container:
    """A stage that is being carried out in a folder."""

    def __init__(self, stage, root, context, others):
        self.stage, self.root, self.context, self.others = stage, Path(root), Path(context), others
        self.folder, self.user, self.environment = "/", "0:0", {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}

    def build(self):
        self._begin()
        for word, argument in self.stage.steps:
            getattr(self, "_" + word.lower(), lambda _: None)(argument)
        return self

    def start(self, *words, **more):
        """The image's program with these words, as its user, as a process."""
        return self._enter([*self.stage.words("ENTRYPOINT"), *words], **more)

    def run(self, *words):
        process = self.start(*words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        said, _ = process.communicate(timeout=300)
        return process.returncode, said

    def _enter(self, words, **more):
        user, group = self.user.split(":")
        # A namespace of its own takes the mount of /proc away when the command ends, however it ends.
        inside = ["/usr/bin/unshare", "--mount", "--mount-proc", f"--root={self.root}", f"--wd={self.folder}",
                  f"--setuid={user}", f"--setgid={group}"]
        return subprocess.Popen([*inside, *words], env=self.environment, stdin=subprocess.DEVNULL, **more)

    def _begin(self):
        if self.stage.base == "scratch":
            (self.root / "proc").mkdir(parents=True)
            return
        subprocess.run(["debootstrap", "--variant=minbase", SUITES[self.stage.base], self.root, MIRROR], check=True,
                       stdout=subprocess.DEVNULL)
        for name in ("resolv.conf", "hosts"):
            shutil.copy(f"/etc/{name}", self.root / "etc" / name)
        if CERTIFICATES.exists():
            shutil.copy(CERTIFICATES, self.root / "etc" / "trusted-outside.crt")
            self.environment["PIP_CERT"] = "/etc/trusted-outside.crt"

    def _inside(self, path):
        return self.root / Path(self.folder, path).as_posix().strip("/")

    def _workdir(self, argument):
        self.folder = argument
        self._inside(".").mkdir(parents=True, exist_ok=True)

    def _user(self, argument):
        self.user = argument

    def _env(self, argument):
        self.environment.update(word.split("=", 1) for word in shlex.split(argument))

    def _run(self, argument):
        code = self._enter(["sh", "-c", argument]).wait()
        if code:
            raise subprocess.CalledProcessError(code, argument)

    def _copy(self, argument):
        options, sources, target = copy_words(argument)
        place = self._inside(target)
        (place if len(sources) > 1 or target.endswith("/") else place.parent).mkdir(parents=True, exist_ok=True)
        for source in sources:
            if "from" in options:
                begin = self.others[options["from"]].root / source.strip("/")
            else:
                begin = self.context / source
            words = ["cp", "-a", "--no-preserve=ownership"]
            subprocess.run([*words, *([f"{begin}/.", place] if begin.is_dir() else [begin, place])], check=True)
        if "chown" in options:
            subprocess.run(["chown", "-R", options["chown"], place], check=True)
