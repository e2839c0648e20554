"""What a command merely looks at stays as it saw it until its commit: nothing names what is retired meanwhile.

Somebody keeps the first command from writing, when it has seen all it decides by; the second comes meanwhile.
"""

from __future__ import annotations

from typing import Any

import pytest

from server_sync.protocol.ids import Id
from tests.authority.centre import NOON, Centre, centre, ok, raced


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
