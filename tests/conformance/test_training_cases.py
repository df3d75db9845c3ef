"""test_training_cases.py - training sets of random cases, made in every way that there is to make them.

training_case.py makes a case from a seed, training_answer.py says what its answers are. Every strategy is forced in
turn, on every backend; and what Larder chooses by itself, which may be another for each view, is asked, too.
LARDER_SEEDS chooses the seeds: "7", "1-300" or "3,5,8-10".
"""
import pytest

import training_answer
import training_case
import training_tables
from test_cases import EMBEDDED, chosen_seeds

BACKENDS = ["postgres", "sqlite"]
STRATEGIES = [None, "probe", "pass"]
TIMES = 12  # each row asks, where memory is to run out


def pytest_generate_tests(metafunc):
    seeds = list(chosen_seeds(metafunc.config))
    if metafunc.function is test_little_memory_changes_no_answer:
        seeds = seeds[::5]
    metafunc.parametrize("seed", seeds)
    metafunc.parametrize("backend", BACKENDS)


def repository_of(place, case, backend):
    stores = EMBEDDED if backend == "sqlite" else {}
    repository = place.repository({"features.yaml": training_tables.definitions(case)}, project="conformance", **stores)
    if backend == "sqlite":
        training_tables.fill_sqlite(case, repository.path("history.db"))
    else:
        place.sql(file=repository.write("load.sql", training_tables.postgres_sql(case)))
    repository.do("apply")
    repository.write("asks.csv", training_tables.asks_csv(case))
    return repository


def answer(repository, case, *strategy, asks="asks.csv"):
    """The file that the answers are in, and the summary."""
    report = repository.do("training-set", *case.options(), *strategy, "--entities", asks, "--out", "out.csv", "--json")
    return repository.path("out.csv"), report.json


def fail_if(mistakes, case, way):
    if mistakes:
        pytest.fail(f"{len(mistakes)} mistakes by {way}, {' '.join(case.options())}:\n" + "\n".join(mistakes[:10]),
                    pytrace=False)


def test_every_strategy_gives_the_answers_that_were_worked_out(place, backend, seed):
    case = training_case.make(seed)
    repository = repository_of(place, case, backend)
    for strategy in STRATEGIES:
        path, report = answer(repository, case, *(["--strategy", strategy] if strategy else []))
        fail_if(training_answer.check(case, path, report), case, strategy or "the strategy chosen")


def test_little_memory_changes_no_answer(place, backend, seed):
    """Asked so often that a pass has to put most of it aside."""
    case = training_case.make(seed)
    repository = repository_of(place, case, backend)
    training_case.repeat(case, TIMES)
    repository.write("many.csv", training_tables.asks_csv(case))
    repository.write("larder.yaml", repository.settings_text() + "training: {memory: 1MiB}\n")
    path, report = answer(repository, case, "--strategy", "pass", asks="many.csv")
    fail_if(training_answer.check(case, path, report), case, "a pass in 1 MiB")
