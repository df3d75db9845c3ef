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


def pytest_generate_tests(metafunc):
    metafunc.parametrize("seed", chosen_seeds(metafunc.config))
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


def test_every_strategy_gives_the_answers_that_were_worked_out(place, backend, seed):
    case = training_case.make(seed)
    repository = repository_of(place, case, backend)
    for strategy in STRATEGIES:
        forced = ["--strategy", strategy] if strategy else []
        report = repository.do("training-set", *case.options(), *forced, "--entities", "asks.csv", "--out", "out.csv",
                               "--json").json
        mistakes = training_answer.check(case, repository.path("out.csv"), report)
        if mistakes:
            way = strategy or "the strategy chosen"
            pytest.fail(f"{len(mistakes)} mistakes by {way}, {' '.join(case.options())}:\n" + "\n".join(mistakes[:10]),
                        pytrace=False)
