"""The store: inserting as `infer --store` does, and what the page and `edgeleuk results` ask of it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from benchmarks.scale_data import QUERIES, insert, queries, record, result, rows
from edgeleuk.store import Store

INSERTED, STORED, SUBJECT = 2_000, 20_000, 100

# What each query has to answer in a store of STORED rows; the last but one line of a table says how many there are.
ANSWERS: dict[str, Callable[[Any], bool]] = {
    "latest 50": lambda found: [row.id for row in found] == list(range(STORED, STORED - 50, -1)),
    "50 from the middle": lambda found: found[0].id == STORED // 2 - 1 and len(found) == 50,
    "number of results": lambda found: found == [STORED],
    "lookup": lambda found: [row.path for row in found] == [result(STORED // 2).path],
    "subjects": lambda found: [summary.total for summary in found] == [SUBJECT] * (STORED // SUBJECT),
    "results": lambda found: found[-2] == f"20 of {STORED} results",
    "results --subject": lambda found: found[-2] == f"20 of {SUBJECT} results",
    "results --label": lambda found: found[-2] == f"20 of {STORED // 2} results",
    "results --since": lambda found: found[-2] == "20 of 1000 results",
}


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Callable[[], Any]]]:
    """The queries, by name, of a store of STORED rows."""
    path = tmp_path_factory.mktemp("store") / "results.db"
    with Store.open(path) as store:
        insert(store, range(STORED))
        with Store.open(path, read_only=True) as reader:
            yield queries(store, reader, STORED)


def test_insert(benchmark: Any, new_store: Callable[[], Store]) -> None:
    made, stores = rows(range(INSERTED)), []

    def opened() -> tuple[tuple[Store, Any], dict[str, Any]]:
        stores.append(new_store())
        return (stores[-1], made), {}

    benchmark.pedantic(record, setup=opened, rounds=7, warmup_rounds=1)
    benchmark.extra_info["rows"] = INSERTED
    assert {store.count() for store in stores} == {INSERTED}


def test_insert_what_is_there(benchmark: Any, new_store: Callable[[], Store]) -> None:
    store, made = new_store(), rows(range(INSERTED))
    record(store, made)
    benchmark.pedantic(record, (store, made), rounds=7, warmup_rounds=1)
    benchmark.extra_info["rows"] = INSERTED
    assert store.count() == store.last_id() == INSERTED


@pytest.mark.parametrize("query", QUERIES)
def test_query(benchmark: Any, asked: dict[str, Callable[[], Any]], query: str) -> None:
    benchmark.extra_info["rows"] = STORED
    assert ANSWERS[query](benchmark(asked[query]))
