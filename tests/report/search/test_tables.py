"""A search's tables: every trial and shape is in one of them, and what is not known is a dash."""

from dataclasses import replace

from edgeleuk.optimize.record import COMPLETE, Refused, Rung, Trial
from edgeleuk.report.search.tables import fixed_row, front_table, refused_table, rungs_table, trials_table
from tests.searches import RUNGS, make_failed, make_search


def column(table, head):
    return [row[table.head.index(head)] for row in table.rows]


def test_every_trial_is_a_row_in_the_order_of_their_numbers():
    record = make_search(100)
    table = trials_table(replace(record, trials=record.trials[::-1]))
    assert [int(text.split()[0]) for text in column(table, "trial")] == list(range(100))
    assert column(table, "state").count("complete") == sum(t.state == COMPLETE for t in record.trials)
    assert "reason" not in table.head


def test_what_a_failed_trial_does_not_have_is_a_dash_and_its_reason_is_told():
    table = trials_table(make_search(3, trials=(*make_search(3).trials, make_failed(3, latency_ms=None))))
    row = dict(zip(table.head, table.rows[3], strict=True))
    assert row["reason"] == "the loss became nan in epoch 3"
    assert {row[head] for head in ("last rung", "int8 ms", "vs budget", "MB", "float", "int8")} == {"-"}


def test_the_front_holds_its_trials_the_fastest_first():
    record = make_search(100)
    table = front_table(record)
    assert [int(text.split()[0]) for text in column(table, "trial")] == list(record.front)
    assert column(table, "int8 ms") == sorted(column(table, "int8 ms"), key=float)


def test_what_is_the_same_in_all_stands_beside_the_tables():
    record = make_search(24)
    assert list(fixed_row(record)) == [("the same", "pools average")]
    assert "pools" not in trials_table(record).head
    assert list(fixed_row(make_search(1))) == list(fixed_row(make_search(0))) == []
    assert "pools" in trials_table(make_search(1)).head


def test_refused_shapes_stand_with_the_nearest_first_and_the_unmeasured_last():
    shapes = ({"width": 3}, None), ({"width": 2}, 20.0), ({}, 10.0), ({"width": 1}, None, "too narrow to prune")
    table = refused_table(make_search(refused=tuple(Refused(*shape) for shape in shapes)))
    assert table.rows == (
        ("no settings", "10.00", "2x"),
        ("width 2", "20.00", "4x"),
        ("width 3", "a smaller one is too slow", "-"),
        ("width 1", "cannot be made", "-"),
    )


def test_rungs_tell_how_many_went_no_further():
    table = rungs_table(make_search(27))
    assert column(table, "epoch") == [str(epoch) for epoch in RUNGS]
    assert column(table, "trials") == ["27", "9", "3"]
    assert column(table, "stopped there") == ["18", "6", "0"]
    assert all(float(best) >= float(middle) >= float(least) for *_, best, middle, least in table.rows)


def test_a_trial_that_fails_after_a_rung_is_counted_there():
    failed = replace(make_failed(0), rungs=(Rung(2, 0.5, 0.5),))
    stopped = Trial(1, {}, "stopped", rungs=(Rung(2, 0.25, 0.25),))
    table = rungs_table(make_search(trials=(failed, stopped), front=(), chosen=None))
    assert table.rows == (("2", "2", "1", "1", "0.5000", "0.3750", "0.2500"),)


def test_there_is_no_table_of_nothing():
    record = make_search(0, refused=())
    assert [make(record) for make in (front_table, trials_table, refused_table, rungs_table)] == [None] * 4
