"""The arithmetic of the benchmarks: what a row says, who takes turns, and that no row is used twice."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.bench.load import Measured, counted
from tests.bench.report import Row, compared, exactly, row, steady, table, within, write
from tests.bench.rounds import Supply, describe, interleaved, per_second, refuse_failures, rows_for


def test_the_ratio_is_the_median_of_the_rounds_and_not_of_the_rates() -> None:
    found = compared("b", "c", [100, 10, 90], "/s", [50, 5, 100], target=2)
    assert (found.value, found.reference) == (90, 50)
    assert (found.ratio, found.low, found.high, found.holds) == (2, 0.9, 2, True)


def test_a_ratio_just_below_its_target_fails() -> None:
    assert row("b", "c", 129, "/s", reference=100, target=1.3).holds is False
    assert row("b", "c", 130, "/s", reference=100, target=1.3).holds is True


def test_without_a_reference_there_is_nothing_to_hold() -> None:
    found = compared("b", "c", [3, 1, 2], "ms", [])
    assert (found.value, found.ratio, found.low, found.high, found.holds) == (2, None, 1, 3, None)


def test_rounds_that_do_not_match_are_no_comparison() -> None:
    with pytest.raises(ValueError, match="argument 2"):
        compared("b", "c", [1, 2], "/s", [1])


@pytest.mark.parametrize(("value", "holds"), [(200, True), (200.1, False), ([500, 10, 20], True)])
def test_the_most_allowed(value: float | list[float], holds: bool) -> None:
    assert within("b", "c", value, "ms", 200).holds is holds


@pytest.mark.parametrize(("after", "holds"), [([1.2, 1.19], True), ([0.7, 0.75], False), ([1.3, 1.4], False)])
def test_a_steady_ratio_may_neither_fall_nor_rise(after: list[float], holds: bool) -> None:
    assert steady("b", "c", [1, 1], after, 0.2).holds is holds


def test_a_count_must_be_right() -> None:
    assert exactly("b", "c", 400, "count", 400).holds is True
    assert exactly("b", "c", 401, "count", 400).holds is False


def test_the_table_says_target_and_verdict() -> None:
    rows = [
        compared("reserve", "64 clients", [150, 160], "/s", [100, 100], target=1.3),
        within("rsvp", "p99", 250.0, "ms", 200),
        exactly("rsvp", "in", 400, "count", 400),
        Row("push", "no target", 1234.0, "/s"),
    ]
    head, reserve, late, count, bare = table(rows).splitlines()
    assert head.split() == ["bench", "case", "value", "unit", "reference", "ratio", "spread", "target", "verdict"]
    assert reserve.endswith("1.50–1.60  ≥ 1.30  holds")
    assert late.split()[-3:] == ["≤", "200", "FAILS"]
    assert count.split()[-3:] == ["=", "400", "holds"]
    assert bare.split()[-2:] == ["1,234", "/s"]


def test_the_file_holds_the_same_rows(tmp_path: Path) -> None:
    write([within("rsvp", "p99", 12.5, "ms", 200)], tmp_path / "rows.json")
    (found,) = json.loads((tmp_path / "rows.json").read_text())
    assert found["value"] == 12.5
    assert (found["bound"], found["target"], found["holds"]) == ("most", 200, True)


def test_everybody_goes_first_once() -> None:
    order: list[str] = []

    def measure(name: str) -> Measured:
        order.append(name)
        return Measured(len(order), 1, 2)

    found = interleaved({name: lambda name=name: measure(name) for name in "abc"}, rounds=3)  # type: ignore[misc]
    assert "".join(order) == "abcbcacab"
    assert per_second(found, "a") == [1, 6, 8]
    assert describe("case", found).startswith("case: a 1/6/8 a second (p50 1.0 ms, p99 2.0 ms); b")


def test_a_rate_of_refusals_is_no_rate() -> None:
    refuse_failures("case", {"ours": [Measured(1, 1, 1)]})
    with pytest.raises(RuntimeError, match="case: 3 answers were not 2xx, 0 broke off"):
        refuse_failures("case", {"ours": [Measured(1, 1, 1), Measured(1, 1, 1, refused=3)]})


def test_no_number_is_handed_out_twice_or_beyond_the_end() -> None:
    supply = Supply(5, 10)
    assert [supply.take(4), supply.take(6)] == [5, 9]
    with pytest.raises(RuntimeError, match="1 rows too few"):
        supply.take(1)


def test_what_pgbench_did_while_it_warmed_up_does_not_count() -> None:
    slow = [f"0 {number} 900000 0 100 {number}" for number in range(5)]
    quick = [f"0 {number} {1000 + number} 0 103 {number * 1000}" for number in range(1, 11)]
    found = counted([*slow, *quick], 2)
    assert (found.per_second, found.p50, found.p99) == (5, 1.006, 1.01)
    with pytest.raises(RuntimeError, match="nothing at all"):
        counted([], 2)


@pytest.mark.parametrize("clients", [1, 16, 64])
def test_each_client_has_the_same_share(clients: int) -> None:
    assert rows_for(clients, 2.5) % clients == 0
