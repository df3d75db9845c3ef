"""sql.py - statements in a database, by psql."""
import subprocess


def psql(url, *statements, file=None):
    """Runs statements (each by itself) or a file; the text of their rows, unaligned."""
    words = ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", url]
    for statement in statements:
        words += ["-c", statement]
    if file:
        words += ["-f", str(file)]
    result = subprocess.run(words, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return result.stdout.rstrip("\n")
