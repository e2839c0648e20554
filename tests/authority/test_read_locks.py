"""What a command merely looks at stays as it saw it until its commit: nothing names what is retired meanwhile.

Somebody keeps the first command from writing, when it has seen all it decides by; the second comes meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import timedelta
from typing import Any, Final

import asyncpg
import msgspec
import pytest

from server_sync.protocol.ids import Id
from server_sync.rules.import_file import Args
from tests.authority.centre import NOON, Centre, centre, code, ok
from tests.unit.files import document

Said = tuple[str, str]


async def raced(
    c: Centre, table: str, first: Coroutine[Any, Any, Any], second: Coroutine[Any, Any, Any], waits: bool = True
) -> Said:
    """What both were told: *second* came as *first* was about to write *table*, and *waits* for it."""
    holder: Any = await asyncpg.connect(c.url)
    try:
        async with holder.transaction():
            await holder.execute(f"LOCK TABLE {table} IN SHARE MODE")  # rows may be locked, none written
            writes = asyncio.create_task(first)
            await c.waiting_backends()
            comes = asyncio.create_task(second)
            both_wait = asyncio.create_task(c.waiting_backends(2))
            await asyncio.wait({comes, both_wait}, return_when=asyncio.FIRST_COMPLETED)
            overtook = comes.done()
            both_wait.cancel()
            await asyncio.wait({both_wait})
        said = code(await writes), code(await comes)
        assert overtook != waits, f"the second did not wait for what the first had seen: {said}"
        return said
    finally:
        await holder.close()


async def dangling(c: Centre, table: str, column: str, target: str) -> int:
    """How many rows name a retired one."""
    query = f"SELECT count(*) FROM {table} a JOIN {target} b ON b.id = a.{column} WHERE b.deleted"
    found: int = await c.sql.fetchval(query)
    return found


@pytest.mark.parametrize("kind", ["event.update", "event.create"])
async def test_rules_are_not_retired_as_an_event_takes_them(database_url: str, kind: str) -> None:
    async with centre(database_url, 2) as c:
        rules = await c.create("event_rules", name="Adjudicated")
        args: dict[str, Any] = {"rules_id": rules, "name": "Gala"}
        if kind == "event.update":
            args["event_id"] = await c.create("event", name="Piano")
        retire = c.submit("event_rules.retire", {"rules_id": rules}, at=1)
        assert await raced(c, "events", c.submit(kind, args), retire) == ("applied", "IN_USE")
        assert await dangling(c, "events", "rules_id", "event_rules") == 0


@pytest.mark.parametrize("kind", ["participant.update", "participant.create"])
async def test_a_group_is_not_retired_as_somebody_joins_it(database_url: str, kind: str) -> None:
    async with centre(database_url, 2) as c:
        group = await c.create("group", name="Duo")
        args: dict[str, Any] = {"group_id": group, "display_name": "Zoë Quill"}
        if kind == "participant.update":
            (args["participant_id"],) = await c.people(1)
        retire = c.submit("group.retire", {"group_id": group}, at=1)
        assert await raced(c, "participants", c.submit(kind, args), retire) == ("applied", "applied")
        assert await dangling(c, "participants", "group_id", "groups") == 0


async def test_a_group_is_not_retired_as_its_claim_is_brought_back(database_url: str) -> None:
    async with centre(database_url, 2) as c:
        group, (slot,) = await c.create("group", name="Duo"), await c.slots()
        await c.create("participant", display_name="Zoë Quill", group_id=group)
        claim: Id = ok(await c.submit("reservation.reserve", {"slot_id": slot, "group_id": group}))["reservation_id"]
        ok(await c.submit("reservation.cancel", {"reservation_id": claim}))
        ok(await c.submit("group.set_members", {"group_id": group, "participant_ids": []}))
        retire = c.submit("group.retire", {"group_id": group}, at=1)
        back = c.submit("reservation.reinstate", {"reservation_id": claim})
        assert await raced(c, "slot_reservations", back, retire) == ("applied", "HAS_PEOPLE")


@pytest.mark.parametrize(("kind", "named"), [("on_stage", "one"), ("call", "many"), ("skip", "many")])
async def test_nobody_is_cancelled_as_the_room_names_him(database_url: str, kind: str, named: str) -> None:
    async with centre(database_url, 2) as c:
        (slot,), (person,) = await c.slots(), await c.people(1)
        claim = ok(await c.reserve(slot, person))["reservation_id"]
        room = str(await c.sql.fetchval("SELECT location_id FROM event_slots WHERE id = $1", slot))
        who = {"reservation_id": claim} if named == "one" else {"reservation_ids": [claim]}
        says = c.submit(f"room_day.{kind}", {"location_id": room, "day": NOON.date().isoformat(), **who})
        cancel = c.submit("reservation.cancel", {"reservation_id": claim}, at=1)
        assert await raced(c, "room_days", says, cancel) == ("applied", "applied")


async def joined_as_another_stepped_out(c: Centre, newcomer_first: bool) -> tuple[int, int]:
    """What a slot counts and holds that had one place left, for which a pair waited that is too large for it.

    Somebody else joins the line, and one of the pair takes a place elsewhere at that time: then the pair is in nobody's
    way, and the place is the newcomer's.
    """
    event = await c.create("event", name="Choir", waitlist_enabled=True, waitlist_order="strict")
    (slot,), (elsewhere,) = await c.slots(capacity=2, event=event), await c.slots()
    there, one, other, newcomer = await c.people(4)
    ok(await c.reserve(slot, there))
    pair = {"slot_id": slot, "participant_ids": [one, other], "on_full": "waitlist"}
    ok(await c.submit("reservation.reserve", pair))
    asked = [
        c.submit("reservation.reserve", {"slot_id": slot, "participant_ids": [newcomer], "on_full": "waitlist"}),
        c.reserve(elsewhere, one, at=1),
    ]
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


Came = Callable[[Centre], Awaitable[tuple[Id, Id, Coroutine[Any, Any, Any]]]]
"""An event that keeps a line, its only slot, and what brings it another."""

LATER: Final = {"start_time": NOON + timedelta(hours=3), "end_time": NOON + timedelta(hours=3, minutes=10)}


async def one_made(c: Centre) -> tuple[Id, Id, Coroutine[Any, Any, Any]]:
    """By hand."""
    event, room = await c.create("event", name="Choir", waitlist_enabled=True), await c.create("location", name="Hall")
    (full,) = await c.slots(event=event)
    block = await c.create("block", event_id=event, location_id=room, manual_slots=True, **LATER)
    return event, full, c.submit("slot.create", {"block_id": block, **LATER}, at=1)


async def a_block_split(c: Centre) -> tuple[Id, Id, Coroutine[Any, Any, Any]]:
    """By the block's duration."""
    event, room = await c.create("event", name="Choir", waitlist_enabled=True), await c.create("location", name="Hall")
    (full,) = await c.slots(event=event)
    block = await c.create("block", event_id=event, location_id=room, slot_duration_minutes=10, **LATER)
    return event, full, c.submit("block.generate_slots", {"block_id": block, "capacity": 1}, at=1)


async def a_file(c: Centre) -> tuple[Id, Id, Coroutine[Any, Any, Any]]:
    """By a file in which the block lasts longer than before."""

    def brought(end: str, at: int) -> Coroutine[Any, Any, Any]:
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
    wanted = {"event_id": event, "participant_ids": [newcomer], "on_full": "waitlist"}
    comes = c.submit("reservation.reserve", wanted)
    first, second = (comes, made) if newcomer_first else (made, comes)
    table = "slot_reservations" if newcomer_first else "event_slots"
    assert await raced(c, table, first, second, waits) == ("applied", "applied")
    claim: str = await c.sql.fetchval(
        "SELECT claim FROM slot_reservations r JOIN reservation_members m ON m.reservation_id = r.id"
        " WHERE m.participant_id = $1",
        newcomer,
    )
    free = await c.sql.fetchval("SELECT count(*) FROM event_slots WHERE event_id = $1 AND reserved_count = 0", event)
    return claim, free


@pytest.mark.parametrize("newcomer_first", [True, False])
@pytest.mark.parametrize("came", [one_made, a_block_split, a_file])
async def test_who_joins_a_line_sees_the_slots_that_come(database_url: str, came: Came, newcomer_first: bool) -> None:
    async with centre(database_url, 2) as c:
        assert await joined_as_slots_came(c, came, newcomer_first) == ("reserved", 0)


@pytest.mark.parametrize("newcomer_first", [True, False])
async def test_without_locks_slots_come_that_the_line_never_gets(database_url: str, newcomer_first: bool) -> None:
    async with centre(database_url, 2, locking=False) as c:
        assert await joined_as_slots_came(c, one_made, newcomer_first, waits=False) == ("waitlisted", 1)
