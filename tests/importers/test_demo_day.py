"""The demo day is what it says it is, and holds no clash of its own."""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest

from resources.demo_day import day, files
from server_sync.importers import Defaults, read_all
from server_sync.importers.conflicts import slot_times
from server_sync.protocol.imports import Import, group_members, summary


@pytest.fixture(scope="module")
def document() -> Import:
    """The demo day as the demo reads it."""
    facts = day()
    found = read_all(files(), Defaults(name=facts.name, time_zone=facts.time_zone, date=facts.date))
    assert isinstance(found, Import), found
    return found


def spots(document: Import) -> dict[tuple[str, int], int]:
    """Places taken in each slot that has any."""
    members = group_members(document)
    taken: dict[tuple[str, int], int] = defaultdict(int)
    for claim in document.claims:
        taken[claim.block, claim.slot] += max(1, len(claim.people or members.get(claim.group or "", ())))
    return taken


def test_it_is_as_large_as_it_says(document: Import) -> None:
    counts = summary(document)
    assert (counts.rooms, counts.events, counts.people, counts.groups) == (8, 40, 600, 25)
    assert (counts.doubtful, counts.refused) == (0, 0)
    assert counts.claims > 300
    assert {room.building for room in document.rooms} == {"Main building", "Drama wing", "Sports centre"}
    assert {event.category for event in document.events} >= {"music", "arts", "drama", "dance", "sports", "technology"}


def test_nobody_and_no_room_is_in_two_places(document: Import) -> None:
    members = group_members(document)
    blocks = {block.key: block for block in document.blocks}
    places: dict[str, list[tuple[datetime, datetime]]] = defaultdict(list)
    for claim in document.claims:
        for person in claim.people or members[claim.group or ""]:
            places[person].append(slot_times(blocks[claim.block], claim.slot))
    for block in document.blocks:
        places["room " + block.room].append((block.start, block.end))
    for times in places.values():
        assert all(earlier[1] <= later[0] for earlier, later in pairwise(sorted(times)))
    assert not any(block.waiver for block in document.blocks)
    assert not any(claim.waiver for claim in document.claims)


def test_slots_are_full_free_and_between(document: Import) -> None:
    taken = spots(document)
    slots = {
        (block.key, slot): block.slot_capacity for block in document.blocks for slot in range(1, block.slot_count + 1)
    }
    assert all(taken[slot] <= capacity for slot, capacity in slots.items())
    assert any(capacity > 1 and taken[slot] == capacity for slot, capacity in slots.items())
    assert sum(taken.get(slot, 0) == 0 for slot in slots) >= 20
    assert any(0 < taken[slot] < capacity for slot, capacity in slots.items())
    # Every block is cut into whole slots, so that the board has no gap at its end.
    for block in document.blocks:
        assert block.end - block.start == block.slot_count * timedelta(minutes=block.slot_duration_minutes or 0)


def test_names_are_of_many_scripts_and_kinds(document: Import) -> None:
    scripts = Counter(
        unicodedata.name(next(letter for letter in person.display_name if letter.isalpha())).split()[0]
        for person in document.people
    )
    assert set(scripts) == {"LATIN", "GREEK", "CYRILLIC", "ARABIC", "HEBREW", "DEVANAGARI", "CJK", "HANGUL"}
    assert min(scripts.values()) >= 15
    assert any(
        "HIRAGANA" in unicodedata.name(c) for person in document.people for c in person.display_name if c.isalpha()
    )
    shared = Counter(person.display_name for person in document.people)
    assert shared["William Smith"] == 3
    assert max(len(person.display_name) for person in document.people) > 50
    assert any(" " not in person.display_name and person.display_name.isascii() for person in document.people)


def test_every_member_of_a_group_and_most_soloists_have_a_place(document: Import) -> None:
    members = group_members(document)
    claimed = {person for claim in document.claims for person in claim.people or members[claim.group or ""]}
    assert {claim.group for claim in document.claims if claim.group} == {group.key for group in document.groups}
    assert all(len(keys) >= 2 for keys in members.values())
    assert 10 <= len(document.people) - len(claimed) <= 60


def test_names_beside_ids_are_those_of_the_roster(document: Import) -> None:
    # Merging reports a name that differs, so that none doubtful means all alike; the claims do name people.
    text = dict(files())["claims.csv"].decode()
    assert "María López-Ruiz" in text
    assert summary(document).doubtful == 0


def test_late_rooms_exist(document: Import) -> None:
    delays = day().delays
    assert delays
    assert set(delays) <= {room.name for room in document.rooms}
    assert all(minutes > 0 for minutes in delays.values())


def test_it_can_be_placed_on_any_day() -> None:
    found = read_all(files(), Defaults(time_zone="America/New_York", date=date(2027, 7, 1)))
    assert isinstance(found, Import)
    assert min(block.start for block in found.blocks) == datetime(2027, 7, 1, 13, tzinfo=UTC)
    assert summary(found).doubtful == 0
