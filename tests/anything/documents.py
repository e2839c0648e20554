"""Small files to import, of few rooms, events, people and blocks: one often speaks of what another one brought."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import msgspec

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
    timed_key,
)

if TYPE_CHECKING:
    from tests.anything.commands import Anything

HERE: Final = Place(file="any")
ROOMS: Final = ("Hall", "Yard")  # one that is there, one that is not
EVENTS: Final = ("a", "b")  # external ids as commands give them too
PEOPLE: Final = {"a": "Zoë", "b": "Bo", "name:ann": "Ann", "name:bo": "Bo"}
GROUP: Final = "Choir"


def any_document(any: Anything) -> dict[str, Any]:
    """The arguments of an import."""
    blocks = {block.key: block for block in (_block(any) for _ in range(any.choose.number(0, 3)))}
    keys = (*blocks, "B1")
    document = Import(
        file="any",
        file_hash="",
        format=any.choose.pick(["csv-schedule", "frab"]),
        rooms=tuple(ImportRoom(key=key, name=key, place=HERE) for key in ROOMS),
        events=tuple(ImportEvent(key=key, name=f"Event {key}", place=HERE) for key in EVENTS),
        groups=(ImportGroup(key=GROUP, name=GROUP, place=HERE),),
        blocks=tuple(blocks.values()),
        people=tuple(_person(any, key) for key in PEOPLE if any.choose.chance(80)),
        claims=tuple(_claim(any, number, keys) for number in range(any.choose.number(0, 5))),
    )
    return {"document": msgspec.to_builtins(check(document) if any.choose.chance(50) else document)}


def _block(any: Anything) -> ImportBlock:
    """A block that the file names itself, or not."""
    event, room, start = any.choose.pick(EVENTS), any.choose.pick(ROOMS), any.moment()
    named = any.choose.chance(50)
    return ImportBlock(
        key=any.choose.pick(["B1", "B2"]) if named else timed_key(f"{event} {room}", start),
        generated=not named,
        event=event,
        room=room,
        start=start,
        end=start + timedelta(minutes=10 * any.choose.number(1, 3)),
        slot_duration_minutes=any.choose.pick([None, 10, 5]),
        slot_capacity=any.choose.number(0, 3),
        max_capacity=any.choose.pick([None, None, 1, 3]),
        place=HERE,
    )


def _person(any: Anything, key: str) -> ImportPerson:
    named = key.startswith("name:")
    return ImportPerson(
        key=key,
        external_id=None if named else key,
        display_name=PEOPLE[key] if named or any.choose.chance(80) else "",  # else a mere reference
        group=GROUP if any.choose.chance(30) else None,
        place=HERE,
    )


def _claim(any: Anything, number: int, blocks: tuple[str, ...]) -> ImportClaim:
    who: dict[str, Any] = any.choose.pick(
        [*({"people": (key,)} for key in PEOPLE), {"people": ("a", "b")}, {"group": GROUP}, {"name": "Guest"}]
    )
    slot = any.choose.number(1, 3)
    return ImportClaim(key=f"C{number}", block=any.choose.pick(blocks), slot=slot, place=HERE, **who)
