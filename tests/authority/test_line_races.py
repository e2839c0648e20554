"""Who joins a line, and who serves it or steps out of it at that moment: nobody waits for what is free.

Each pair of commands is raced at two authorities, which both have decided before either writes, unless one has to wait
for the other; and once more without the locks that make it wait.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import timedelta
from typing import Any, Final

import msgspec
import pytest

from server_sync.protocol.commands import Result
from server_sync.protocol.errors import Refusal
from server_sync.protocol.ids import Id
from server_sync.rules.import_file import Args
from tests.authority.centre import NOON, Centre, centre, code, ok, raced
from tests.unit.files import document

HOUR: Final = timedelta(hours=1)
LATER: Final = {"start_time": NOON + 3 * HOUR, "end_time": NOON + 3 * HOUR + timedelta(minutes=10)}

Said = Coroutine[Any, Any, Result | Refusal]


def joins(c: Centre, *people: Id, at: int = 0, **where: Id) -> Said:
    """Ask for a place, or one in line."""
    return c.submit("reservation.reserve", {"participant_ids": people, "on_full": "waitlist", **where}, at=at)


async def claim(c: Centre, person: Id, slot: Id | None = None) -> str:
    """The state of somebody's only claim (in that slot)."""
    found: str = await c.sql.fetchval(
        "SELECT r.claim FROM slot_reservations r JOIN reservation_members m ON m.reservation_id = r.id"
        " WHERE m.participant_id = $1 AND r.slot_id = coalesce($2, r.slot_id)",
        person,
        slot,
    )
    return found


async def free(c: Centre, event: Id) -> int:
    """How many slots of the event nobody has."""
    count: int = await c.sql.fetchval(
        "SELECT count(*) FROM event_slots WHERE event_id = $1 AND reserved_count = 0", event
    )
    return count


async def block_of(c: Centre, slot: Id) -> Id:
    """The block of a slot."""
    found: Id = await c.sql.fetchval("SELECT time_block_id::text FROM event_slots WHERE id = $1", slot)
    return found


async def joined_as_another_stepped_out(c: Centre, newcomer_first: bool) -> tuple[int, int]:
    """What a slot counts and holds that had one place left, for which a pair waited that is too large for it.

    Somebody else joins the line, and one of the pair takes a place elsewhere at that time: then the pair is in nobody's
    way, and the place is the newcomer's.
    """
    event = await c.create("event", name="Choir", waitlist_enabled=True, waitlist_order="strict")
    (slot,), (elsewhere,) = await c.slots(capacity=2, event=event), await c.slots()
    there, one, other, newcomer = await c.people(4)
    ok(await c.reserve(slot, there))
    ok(await joins(c, one, other, slot_id=slot))
    asked = [joins(c, newcomer, slot_id=slot), c.reserve(elsewhere, one, at=1)]
    first, second = asked if newcomer_first else reversed(asked)
    assert await raced(c, "slot_reservations", first, second) == ("applied", "applied")
    return await c.counts(slot)


@pytest.mark.parametrize("newcomer_first", [True, False])
async def test_who_joins_a_line_sees_who_steps_out_of_it(database_url: str, newcomer_first: bool) -> None:
    async with centre(database_url, 2) as c:
        assert await joined_as_another_stepped_out(c, newcomer_first) == (2, 2)


@pytest.mark.parametrize("newcomer_first", [True, False])
async def test_without_locks_the_newcomer_waits_behind_nobody(database_url: str, newcomer_first: bool) -> None:
    async with centre(database_url, 2, locking=False) as c:
        assert await joined_as_another_stepped_out(c, newcomer_first) == (1, 1)


Came = Callable[[Centre], Awaitable[tuple[Id, Id, Said]]]
"""An event that keeps a line, its only slot, and what brings it another."""


async def one_made(c: Centre) -> tuple[Id, Id, Said]:
    """By hand."""
    event, room = await c.create("event", name="Choir", waitlist_enabled=True), await c.create("location", name="Hall")
    (full,) = await c.slots(event=event)
    block = await c.create("block", event_id=event, location_id=room, manual_slots=True, **LATER)
    return event, full, c.submit("slot.create", {"block_id": block, **LATER}, at=1)


async def a_block_split(c: Centre) -> tuple[Id, Id, Said]:
    """By the block's duration."""
    event, room = await c.create("event", name="Choir", waitlist_enabled=True), await c.create("location", name="Hall")
    (full,) = await c.slots(event=event)
    block = await c.create("block", event_id=event, location_id=room, slot_duration_minutes=10, **LATER)
    return event, full, c.submit("block.generate_slots", {"block_id": block, "capacity": 1}, at=1)


async def a_file(c: Centre) -> tuple[Id, Id, Said]:
    """By a file in which the block lasts longer than before."""

    def brought(end: str, at: int) -> Said:
        """The block until then, in slots of a quarter of an hour."""
        text = f"block,event,room,date,start,end,slot_minutes\nB1,Choir,Hall,2082-05-02,09:00,{end},15\n"
        return c.submit("import.apply", msgspec.to_builtins(Args(document=document(text))), at=at)

    ok(await brought("09:15", 0))
    event, full = (await c.sql.fetchrow("SELECT event_id::text, id::text FROM event_slots")).values()
    ok(await c.submit("event.update", {"event_id": event, "waitlist_enabled": True}))
    return event, full, brought("09:30", 1)


async def joined_as_slots_came(c: Centre, came: Came, newcomer_first: bool, waits: bool = True) -> tuple[str, int]:
    """The state of a claim for any slot of a full event that gets another slot at that time, and how many are free."""
    there, newcomer = await c.people(2)
    event, full, made = await came(c)
    ok(await c.reserve(full, there))
    comes = joins(c, newcomer, event_id=event)
    first, second = (comes, made) if newcomer_first else (made, comes)
    table = "slot_reservations" if newcomer_first else "event_slots"
    assert await raced(c, table, first, second, waits) == ("applied", "applied")
    return await claim(c, newcomer), await free(c, event)


@pytest.mark.parametrize("newcomer_first", [True, False])
@pytest.mark.parametrize("came", [one_made, a_block_split, a_file])
async def test_who_joins_a_line_sees_the_slots_that_come(database_url: str, came: Came, newcomer_first: bool) -> None:
    async with centre(database_url, 2) as c:
        assert await joined_as_slots_came(c, came, newcomer_first) == ("reserved", 0)


@pytest.mark.parametrize("newcomer_first", [True, False])
async def test_without_locks_slots_come_that_the_line_never_gets(database_url: str, newcomer_first: bool) -> None:
    async with centre(database_url, 2, locking=False) as c:
        assert await joined_as_slots_came(c, one_made, newcomer_first, waits=False) == ("waitlisted", 1)


async def assigned_as_a_slot_came(c: Centre, waits: bool) -> tuple[str, int]:
    """The second of two who are assigned to an event with one place, which gets another; and how many are free."""
    event, _, made = await one_made(c)
    people = await c.people(2)
    wanted = [{"event_id": event, "participant_ids": [person], "on_full": "waitlist"} for person in people]
    assigned = c.submit("reservation.assign", {"assignments": wanted})
    assert await raced(c, "slot_reservations", assigned, made, waits) == ("applied", "applied")
    return await claim(c, people[1]), await free(c, event)


async def enabled_as_a_slot_came(c: Centre, waits: bool) -> tuple[str, int]:
    """Who joins a line that is kept since a moment ago, when a slot was under way; and how many are free."""
    event, full, made = await one_made(c)
    there, newcomer = await c.people(2)
    ok(await c.reserve(full, there))
    ok(await c.submit("event.update", {"event_id": event, "waitlist_enabled": False}))

    async def opens() -> Result | Refusal:
        """A line, and joins it."""
        ok(await c.submit("event.update", {"event_id": event, "waitlist_enabled": True}, at=0))
        return await joins(c, newcomer, event_id=event)

    assert await raced(c, "event_slots", made, opens(), waits) == ("applied", "applied")
    return await claim(c, newcomer), await free(c, event)


async def postponed_to_where_one_goes(c: Centre, waits: bool) -> tuple[str, int]:
    """Who waits behind a pair that is too large, one of which goes elsewhere at the hour to which it is postponed."""
    event = await c.create("event", name="Choir", waitlist_enabled=True)
    (slot,), (later,) = await c.slots(event=event, capacity=2), await c.slots(start=NOON + HOUR)
    there, one, other, behind = await c.people(4)
    ok(await c.reserve(slot, there))
    ok(await joins(c, one, other, slot_id=slot))
    ok(await joins(c, behind, slot_id=slot))
    postponed = c.submit("block.postpone", {"block_id": await block_of(c, slot), "minutes": 60})
    goes = c.reserve(later, one, at=1)
    assert await raced(c, "event_time_blocks", postponed, goes, waits) == ("applied", "applied")
    return await claim(c, behind), 2 - (await c.counts(slot))[0]


RACES: Final = [assigned_as_a_slot_came, enabled_as_a_slot_came, postponed_to_where_one_goes]


@pytest.mark.parametrize("race", RACES)
async def test_nobody_waits_for_what_is_free(
    database_url: str, race: Callable[[Centre, bool], Awaitable[tuple[str, int]]]
) -> None:
    async with centre(database_url, 2) as c:
        assert await race(c, True) == ("reserved", 0)


@pytest.mark.parametrize("race", RACES)
async def test_without_locks_somebody_waits_for_what_is_free(
    database_url: str, race: Callable[[Centre, bool], Awaitable[tuple[str, int]]]
) -> None:
    async with centre(database_url, 2, locking=False) as c:
        assert await race(c, False) == ("waitlisted", 1)


async def confirmed_as_the_hold_ran_out(c: Centre) -> tuple[str, str, int]:
    """Who joins behind somebody whose hold elsewhere seems to have run out, what that was told, and what is taken.

    Elsewhere are seats, which take long to be written: the confirmation is decided before the hold's end, and is there
    after it.
    """
    event = await c.create("event", name="Choir", waitlist_enabled=True)
    (slot,), (elsewhere,) = await c.slots(event=event), await c.slots()
    room = await c.sql.fetchval("SELECT location_id::text FROM event_slots WHERE id = $1", elsewhere)
    ok(await c.submit("seats.create", {"location_id": room, "seats": [{"row": "A", "number": 1}]}))
    ok(await c.submit("slot.open_seats", {"slot_id": elsewhere}))
    there, ahead, newcomer = await c.people(3)
    first = ok(await c.reserve(slot, there))["reservation_id"]
    ok(await joins(c, ahead, slot_id=slot))
    hold = {"slot_id": elsewhere, "participant_ids": [ahead], "ttl_seconds": 4}
    held = ok(await c.submit("reservation.hold", hold))["reservation_id"]
    ok(await c.submit("reservation.cancel", {"reservation_id": first}))
    await c.sql.execute(
        "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(2); RETURN NEW; END $$;"
        "CREATE TRIGGER aaa_slow BEFORE UPDATE ON slot_seats FOR EACH ROW EXECUTE FUNCTION slow()"
    )
    left = "SELECT extract(epoch FROM expires_at - clock_timestamp())::float FROM slot_reservations WHERE id = $1"
    await asyncio.sleep(await c.sql.fetchval(left, held) - 1.2)
    confirming = asyncio.create_task(c.submit("reservation.confirm", {"reservation_id": held}))
    await asyncio.sleep(await c.sql.fetchval(left, held) + 0.1)
    ok(await joins(c, newcomer, slot_id=slot, at=1))
    said = code(await confirming)
    return await claim(c, newcomer), said, (await c.counts(slot))[0]


async def test_who_is_confirmed_elsewhere_in_time_is_in_nobodys_way(database_url: str) -> None:
    async with centre(database_url, 2) as c:
        assert await confirmed_as_the_hold_ran_out(c) == ("reserved", "applied", 1)


async def test_without_locks_somebody_waits_behind_who_is_elsewhere(database_url: str) -> None:
    async with centre(database_url, 2, locking=False) as c:
        assert await confirmed_as_the_hold_ran_out(c) == ("waitlisted", "applied", 0)


async def test_who_finds_a_place_keeps_nobody_from_the_event(database_url: str) -> None:
    """Also in the second slot, since the first is full."""
    async with centre(database_url, 2) as c:
        event = await c.create("event", name="Choir", waitlist_enabled=True)
        full, _ = await c.slots(2, event=event)
        there, comes = await c.people(2)
        ok(await c.reserve(full, there))
        told = c.submit("event.update", {"event_id": event, "description": "In the garden."}, at=1)
        came = joins(c, comes, event_id=event)
        assert await raced(c, "slot_reservations", came, told, waits=False) == ("applied", "applied")
