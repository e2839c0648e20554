"""Any files, in any order, with staff at work between them: what must never be false stays true."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import hypothesis
from hypothesis import strategies as st
from msgspec.structs import replace

from server_sync.importers.conflicts import check
from server_sync.protocol.imports import (
    Import,
    ImportBlock,
    ImportClaim,
    ImportEvent,
    ImportGroup,
    ImportPerson,
    ImportRoom,
    Place,
)
from server_sync.protocol.records import EventSlot, SlotReservation
from server_sync.rules.state import takes_places
from tests.unit.day import Day, applied, at
from tests.unit.files import attempt, hold

HERE = Place(file="any")
PEOPLE = ("P1", "P2", "name:cy", "P4")
BLOCKS = ("B1", "B2", "B3")


@st.composite
def blocks(draw: st.DrawFn, key: str) -> ImportBlock:
    """A block of a few slots, somewhere, some time."""
    start = at(9) + timedelta(minutes=15 * draw(st.integers(0, 6)))
    talk = draw(st.booleans())
    return ImportBlock(
        key=f"{key}@{start:%H%M}" if talk else key,
        event=draw(st.sampled_from(["E1", "E2"])),
        room=draw(st.sampled_from(["R1", "R2"])),
        start=start,
        end=start + timedelta(minutes=15 * draw(st.integers(1, 4))),
        slot_duration_minutes=draw(st.sampled_from([None, 15])),
        slot_capacity=draw(st.integers(0, 3)),
        max_capacity=draw(st.sampled_from([None, None, 2, 4])),
        place=HERE,
    )


@st.composite
def claims(draw: st.DrawFn, number: int, keys: tuple[str, ...]) -> ImportClaim:
    """Somebody in some slot, which may not be there."""
    who: dict[str, Any] = draw(
        st.sampled_from([{"people": (person,)} for person in PEOPLE] + [{"group": "G1"}, {"name": "Guest"}])
    )
    return ImportClaim(
        key=f"C{number}", block=draw(st.sampled_from(keys)), slot=draw(st.integers(1, 3)), place=HERE, **who
    )


@st.composite
def files(draw: st.DrawFn) -> Import:
    """A document, checked by the readers or not."""
    some = [draw(blocks(key)) for key in draw(st.lists(st.sampled_from(BLOCKS), unique=True))]
    keys = tuple(block.key for block in some) or ("B1",)
    people = draw(st.lists(st.sampled_from(PEOPLE), unique=True))
    found = Import(
        file="any",
        file_hash="",
        format=draw(st.sampled_from(["csv-schedule", "frab"])),
        rooms=tuple(ImportRoom(key=key, name=key, place=HERE) for key in ("R1", "R2")),
        events=tuple(ImportEvent(key=key, name=key, place=HERE) for key in ("E1", "E2")),
        blocks=tuple(some),
        groups=(ImportGroup(key="G1", name="Trio", place=HERE),),
        people=tuple(
            ImportPerson(
                key=key,
                external_id=None if key.startswith("name:") else key,
                display_name="Cy" if key.startswith("name:") else key,
                group=draw(st.sampled_from([None, "G1"])),
                place=HERE,
            )
            for key in people
        ),
        claims=tuple(draw(claims(number, keys)) for number in range(draw(st.integers(0, 6)))),
    )
    return check(found) if draw(st.booleans()) else replace(found)


def staff_work(day: Day, data: st.DataObject) -> None:
    """One thing that somebody does at a desk, refused or not."""
    slots = [slot for slot in day.state.rows[EventSlot].values() if not slot.deleted]
    live = [claim for claim in day.state.rows[SlotReservation].values() if takes_places(claim)]
    if not slots:
        return
    slot = data.draw(st.sampled_from(slots))
    if not live:
        day.do("block.generate_slots", {"block_id": slot.time_block_id, "slot_duration_minutes": 10, "capacity": 2})
        return
    claim = data.draw(st.sampled_from(live))
    kind, args = data.draw(
        st.sampled_from(
            [
                ("reservation.cancel", {"reservation_id": claim.id}),
                ("reservation.move", {"reservation_id": claim.id, "slot_id": slot.id}),
                ("reservation.reserve", {"slot_id": slot.id, "reserved_name": "Walk-in"}),
                ("attendance.arrive", {"reservation_id": claim.id}),
                ("event.update", {"event_id": slot.event_id, "waitlist_enabled": True}),
                ("reservation.reserve", {"slot_id": slot.id, "reserved_name": "In line", "on_full": "waitlist"}),
                ("block.generate_slots", {"block_id": slot.time_block_id, "slot_duration_minutes": 10, "capacity": 3}),
            ]
        )
    )
    day.do(kind, args)


@hypothesis.settings(max_examples=150, deadline=None, database=None, derandomize=True)
@hypothesis.given(st.data())
def test_any_files_and_staff_between_them(data: st.DataObject) -> None:
    day = Day()
    day.now = at(8)
    for _ in range(data.draw(st.integers(1, 4))):
        before = {claim.id: claim for claim in day.state.rows[SlotReservation].values()}
        document = data.draw(files())
        applied(attempt(day, document))
        hold(day)
        for id, claim in before.items():
            now = day.state.rows[SlotReservation][id]
            assert now.claim == claim.claim or (claim.claim, now.claim) == ("waitlisted", "reserved")
            assert now.spots >= claim.spots
        again = applied(attempt(day, document))
        assert again.puts == [], "the same file again changes nothing"
        for _ in range(data.draw(st.integers(0, 3))):
            staff_work(day, data)
        hold(day)
