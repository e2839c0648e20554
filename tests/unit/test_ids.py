"""Ids and refs: a slip of the finger never finds somebody else."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server_sync.protocol.ids import (
    ALPHABET,
    PREFIXES,
    check_character,
    derived_id,
    is_id,
    make_ref,
    new_id,
    read_ref,
    scan_code,
    secret_id,
)
from server_sync.protocol.records import TABLES

NUMBERS = st.integers(0, 10**9)
PLACES = st.integers(0, 5)


@given(NUMBERS)
def test_a_ref_is_read_back(number: int) -> None:
    ref = make_ref("RSV", number)
    assert read_ref(ref) == ref
    assert read_ref(scan_code(ref)) == ref
    assert read_ref(f"  cb {ref.lower().replace('-', ' ')} ") == ref


@given(NUMBERS, st.data())
def test_one_wrong_character_is_noticed(number: int, data: st.DataObject) -> None:
    body = make_ref("RSV", number)[4:]
    place = data.draw(st.integers(0, len(body) - 1))
    wrong = data.draw(st.sampled_from([character for character in ALPHABET if character != body[place]]))
    assert read_ref("RSV-" + body[:place] + wrong + body[place + 1 :]) is None


@given(NUMBERS, st.data())
def test_two_swapped_neighbours_are_noticed(number: int, data: st.DataObject) -> None:
    body = make_ref("RSV", number)[4:]
    place = data.draw(st.integers(0, len(body) - 2))
    swapped = body[:place] + body[place + 1] + body[place] + body[place + 2 :]
    assert swapped == body or read_ref("RSV-" + swapped) is None


def test_refs_are_distinct_across_the_change_of_width() -> None:
    numbers = [*range(20_000), *range(31**5 - 10_000, 31**5 + 10_000)]
    refs = {make_ref("PPL", number) for number in numbers}
    assert len(refs) == len(numbers)
    assert len(make_ref("PPL", 31**5 - 1)) == len("PPL-") + 6
    assert len(make_ref("PPL", 31**5)) == len("PPL-") + 7


def test_neighbours_do_not_look_alike() -> None:
    one, other = make_ref("RSV", 1000), make_ref("RSV", 1001)
    assert sum(a != b for a, b in zip(one[4:], other[4:], strict=True)) >= 3


def test_hurried_readings() -> None:
    ref = next(ref for number in range(100) if "1" in (ref := make_ref("RSV", number)))
    assert read_ref(ref.replace("1", "I")) == ref
    assert read_ref(ref.replace("1", "l")) == ref


@pytest.mark.parametrize("text", ["", "CB", "RSV", "RSV-", "RSV-12345", "123-456789", "RSV-7K3M9O", "ÄÖÜ-7K3M9Q", "🎻"])
def test_what_is_no_ref(text: str) -> None:
    assert read_ref(text) is None


def test_a_ref_counts_from_zero() -> None:
    make_ref("RSV", 0)
    with pytest.raises(ValueError, match="counts from 0"):
        make_ref("RSV", -1)
    with pytest.raises(KeyError):
        check_character("0")


def test_ids() -> None:
    first, second = new_id(), new_id()
    assert is_id(first)
    assert first < second, "time-ordered"
    assert uuid.UUID(first).version == 7
    assert derived_id(first, 1) == derived_id(first, "1") == str(uuid.uuid5(uuid.UUID(first), "1"))
    assert derived_id(first, 1) != derived_id(second, 1)
    assert is_id(secret_id("a secret"))
    assert secret_id("a secret") != secret_id("another")
    for text in ("", "x", first.upper(), "{" + first + "}", first.replace("-", ""), first + "\n"):
        assert not is_id(text)


def test_a_name_is_no_ref() -> None:
    """Each of these has a check character that happens to fit."""
    for name in ("Oskar Mansfeld", "Shreyas Mahangade", "Axel STEFANINI", "Eric Ernst", "Daniel Weber"):
        assert read_ref(name) is None


def test_every_kind_with_a_ref_has_its_prefix() -> None:
    assert {record.REF for record in TABLES.values() if record.REF is not None} == PREFIXES
