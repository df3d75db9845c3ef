"""metrics.py - Prometheus' text format, read strictly: what it does not allow is an error, not a guess."""
import re

from web import ask

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"'
SAMPLE = re.compile(rf"({NAME})(?:\{{({LABEL}(?:,{LABEL})*)\}})? (\d+(?:\.\d+)?)")
SUFFIXES = {"histogram": ("_bucket", "_sum", "_count"), "counter": ("",), "gauge": ("",)}


def unescaped(text):
    return re.sub(r"\\(.)", lambda found: {"n": "\n"}.get(found[1], found[1]), text)


def labels_of(text):
    pairs = [(name, unescaped(value)) for name, value in
             re.findall(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"', text or "")]
    assert len(dict(pairs)) == len(pairs), f"a label twice: {text}"
    return dict(pairs)


class Metrics:
    """families: name -> type. metrics["larder_requests_total", {"code": "OK"}] is one number; a set of labels that
    is not whole stands for the sum of all that have it."""

    def __init__(self, text):
        assert text.endswith("\n") and "\r" not in text
        self.families, self.help, self.samples, family = {}, {}, {}, None
        for line in text.splitlines():
            if line.startswith("# HELP "):
                family, self_help = line[7:].split(" ", 1)
                assert re.fullmatch(NAME, family) and family not in self.help, line
                self.help[family] = self_help
            elif line.startswith("# TYPE "):
                name, kind = line[7:].split(" ")
                assert name == family and name not in self.families and kind in SUFFIXES, line
                self.families[name] = kind
            else:
                self._take(family, line)
        assert self.families.keys() == self.help.keys()
        for name, kind in self.families.items():
            assert (kind == "counter") == name.endswith("_total"), name
            if kind == "histogram":
                self._check_histogram(name)

    def _take(self, family, line):
        found = SAMPLE.fullmatch(line)
        assert found, f"no sample: {line!r}"
        name, labels, value = found.groups()
        assert name in [family + suffix for suffix in SUFFIXES[self.families[family]]], line
        key = name, tuple(sorted(labels_of(labels).items()))
        assert key not in self.samples, f"twice: {line}"
        self.samples[key] = float(value)

    def _check_histogram(self, name):
        """Buckets only grow, and the last one holds all."""
        series = {}
        for (sample, labels), value in self.samples.items():
            if sample == name + "_bucket":
                le = float(dict(labels)["le"])
                series.setdefault(tuple(pair for pair in labels if pair[0] != "le"), []).append((le, value))
        for labels, buckets in series.items():
            assert buckets == sorted(buckets) and [v for _, v in buckets] == sorted(v for _, v in buckets), name
            assert buckets[-1] == (float("inf"), self.samples[name + "_count", labels]), name

    def __getitem__(self, asked):
        name, wanted = asked if isinstance(asked, tuple) else (asked, {})
        found = [value for (sample, labels), value in self.samples.items()
                 if sample == name and wanted.items() <= dict(labels).items()]
        assert found, f"no sample of {name} {wanted}"
        return sum(found)

    def values(self, name, label):
        """The values that a label has."""
        return {dict(labels)[label] for sample, labels in self.samples if sample == name}


def metrics_of(repository):
    """What the repository's server says."""
    return Metrics(ask(repository.http_port, "/metrics").text)
