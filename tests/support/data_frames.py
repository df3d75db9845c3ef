"""data_frames.py - the libraries that people open training sets with: pyarrow, pandas, DuckDB, Polars.

scripts/setup --dev installs them in a folder of their own; where it has not run, tests that need them are skipped.
"""
import sys
from pathlib import Path

import pytest

FOLDER = Path("/usr/local/lib/larder-python")


def find(name):
    """A module of that folder, or a skipped test."""
    for packages in FOLDER.glob("lib/python3.*/site-packages"):
        if str(packages) not in sys.path:
            sys.path.append(str(packages))
    return pytest.importorskip(name, reason=f"scripts/setup --dev installs {name}")
