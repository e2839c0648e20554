"""Capacities, cancellations and postponements through the real authority: its counts, its locks, and large events."""

from __future__ import annotations

import asyncio
import os
import random
import time
from datetime import timedelta
from typing import Any

import pytest

from server_sync.authority.queries.preview import preview
from server_sync.protocol.ids import Id
from tests.authority.centre import NOON, ROOT, Centre, centre, code, envelope, ok
from tests.authority.test_counts import RECOUNT

PEOPLE = int(os.environ.get("CALLBOARD_LARGE_EVENT", "2000"))


async def check_counts(c: Centre) -> None:
    """Every count kept equals the claims, and is within its limit."""
    for row in await c.sql.fetch(RECOUNT):
        assert row["reserved_count"] == row["true"], dict(row)
        assert row["reserved_count"] <= row["places"] + row["overbooked_count"], dict(row)
        assert row["overbooked_count"] == max(0, row["true"] - row["places"]), dict(row)


async def limits(c: Centre, table: str, id: Id) -> tuple[int | None, int, int]:
    """The limit of an event or block, what it counts and what is overbooked."""
    limit = "capacity" if table == "events" else "max_capacity"
    row = await c.sql.fetchrow(f"SELECT {limit}, reserved_count, overbooked_count FROM {table} WHERE id = $1", id)
    return row[0], row[1], row[2]


async def test_a_limit_comes_is_lowered_raised_and_goes(database_url: str) -> None:
    async with centre(database_url) as c:
        event = await c.create("event", name="Choir", waitlist_enabled=True)
        one, two = await c.slots(2, capacity=5, event=event)
        for slot in (one, one, two):
            ok(await c.submit("reservation.reserve", {"slot_id": slot, "reserved_name": "x", "guests": 1}))
        lower = {"event_id": event, "capacity": 4}
        assert code(await c.submit("event.update", lower)) == "BELOW_RESERVED"
        assert await limits(c, "events", event) == (None, 0, 0)
        ok(await c.submit("event.update", {**lower, "override_reason": "fire brigade"}))
        assert await limits(c, "events", event) == (4, 6, 2)
        wish = {"slot_id": two, "reserved_name": "w", "on_full": "waitlist"}
        waiting = ok(await c.submit("reservation.reserve", wish))["reservation_id"]
        answer = ok(await c.submit("event.update", {"event_id": event, "capacity": 7}))
        assert answer["promoted"] == [waiting]
        assert await limits(c, "events", event) == (7, 7, 0)
        ok(await c.submit("event.update", {"event_id": event, "capacity": None}))
        ok(await c.submit("reservation.reserve", {"slot_id": two, "reserved_name": "y"}))
        ok(await c.submit("event.update", {"event_id": event, "capacity": 8}))
        assert await limits(c, "events", event) == (8, 8, 0)
        await check_counts(c)


async def test_counts_hold_through_random_capacities_and_claims(database_url: str) -> None:
    seed = int(os.environ.get("CALLBOARD_SEED", random.randrange(10**6)))
    print(f"CALLBOARD_SEED={seed}")
    draw = random.Random(seed)
    async with centre(database_url, lanes=2) as c:
        event = await c.create("event", name="Choir", waitlist_enabled=True, waitlist_order="best_fit")
        slots = await c.slots(3, capacity=3, event=event)
        block = await c.sql.fetchval("SELECT time_block_id::text FROM event_slots WHERE id = $1", slots[0])

        async def step() -> Any:
            choice, limit = draw.random(), draw.choice([None, *range(1, 9)])
            reason = {"override_reason": "x"} if draw.random() < 0.6 else {}
            if choice < 0.15:
                return await c.submit("event.update", {"event_id": event, "capacity": limit, **reason})
            if choice < 0.3:
                return await c.submit("block.update", {"block_id": block, "max_capacity": limit, **reason})
            if choice < 0.4:
                args = {"slot_id": draw.choice(slots), "capacity": draw.randint(1, 5), **reason}
                return await c.submit("slot.update", args)
            if choice < 0.8:
                args = {"slot_id": draw.choice(slots), "reserved_name": "x", "guests": draw.randint(0, 2)}
                return await c.submit("reservation.reserve", {**args, "on_full": "waitlist"})
            if not ids:
                return None
            return await c.submit("reservation.cancel", {"reservation_id": draw.choice(ids)[0]})

        for _ in range(60):
            ids = await c.sql.fetch("SELECT id::text FROM slot_reservations WHERE claim IN ('reserved', 'waitlisted')")
            await asyncio.gather(*(step() for _ in range(draw.randint(1, 4))))
            await check_counts(c)


async def test_a_limit_set_while_people_reserve_counts_them_all(database_url: str) -> None:
    async with centre(database_url, 2) as c:
        event = await c.create("event", name="Choir")
        slots = await c.slots(2, capacity=50, event=event)
        reserving = [
            c.submit("reservation.reserve", {"slot_id": slots[n % 2], "reserved_name": "x"}, at=n % 2)
            for n in range(40)
        ]
        setting = [
            c.submit("event.update", {"event_id": event, "capacity": size}, at=size % 2) for size in (45, 46, 20)
        ]
        codes = [code(result) for result in await asyncio.gather(*reserving, *setting)]
        assert set(codes) <= {"applied", "EVENT_FULL", "BELOW_RESERVED"}, codes
        await check_counts(c)


async def test_a_preview_answers_what_would_happen_and_writes_nothing(database_url: str) -> None:
    async with centre(database_url) as c:
        (slot,) = await c.slots(1, capacity=2)
        people = await c.people(2)
        claim = ok(await c.reserve(slot, *people))["reservation_id"]
        before = await c.sql.fetchval("SELECT count(*) FROM commands")
        asked = envelope("slot.cancel", {"slot_id": slot, "reason": "storm"})
        found = ok(await preview(c.authority.pool, ROOT, asked, c.programme))
        assert found["cancelled"][0]["reservation_id"] == claim
        assert sorted(found["cancelled"][0]["participant_ids"]) == sorted(people)
        assert await c.counts(slot) == (2, 2)
        assert await c.sql.fetchval("SELECT count(*) FROM commands") == before
        done = ok(await c.authority.submit(ROOT, asked, c.programme))
        assert done == found, "what was foretold is what was done"


async def test_two_parties_of_one_family_and_a_room_postponed_past_the_constraints(database_url: str) -> None:
    """Every block and member moves within one statement: the deferred constraints see only where they end up."""
    async with centre(database_url) as c:
        (zoe,) = await c.people(1)
        event = await c.create("event", name="Choir")
        slots = await c.slots(4, event=event)
        for slot in slots:
            ok(await c.reserve(slot, zoe))
        answer = ok(await c.submit("event.postpone", {"event_id": event, "minutes": 10}))
        assert answer["counts"]["moved"] == 4
        rows = await c.sql.fetch("SELECT start_time FROM reservation_members WHERE live ORDER BY 1")
        assert [row[0] for row in rows] == [NOON + timedelta(minutes=10 * n) for n in range(1, 5)]
        (elsewhere,) = await c.slots(1, start=NOON + timedelta(hours=1))
        ok(await c.reserve(elsewhere, zoe))
        clash = {"event_id": event, "minutes": 30}
        assert code(await c.submit("event.postpone", clash)) == "DOUBLE_BOOKED"
        ok(await c.submit("event.postpone", {**clash, "waive_reason": "she sings in both"}))
        assert await c.sql.fetchval("SELECT count(*) FROM reservation_members WHERE waived") == 1


async def test_a_slot_cancelled_while_people_reserve_it_keeps_nobody(database_url: str) -> None:
    async with centre(database_url, 2) as c:
        (slot,) = await c.slots(1, capacity=100)
        asked = [c.submit("reservation.reserve", {"slot_id": slot, "reserved_name": "x"}, at=n % 2) for n in range(30)]
        asked.insert(15, c.submit("slot.cancel", {"slot_id": slot, "reason": "storm"}, at=1))
        codes = [code(result) for result in await asyncio.gather(*asked)]
        assert set(codes) <= {"applied", "SLOT_CANCELLED"}, codes
        assert await c.counts(slot) == (0, 0)


async def large_event(c: Centre, slots: int = 100) -> Id:
    """An event of ``PEOPLE`` reservations of one each, and a tenth as many that wait."""
    event = await c.create("event", name="Run", waitlist_enabled=True, capacity=PEOPLE)
    ids = await c.slots(slots, capacity=PEOPLE // slots, event=event)
    people, waiting = await c.people(PEOPLE), await c.people(PEOPLE // 10)
    await asyncio.gather(*(c.reserve(ids[n % slots], person) for n, person in enumerate(people)))
    wish = {"on_full": "waitlist"}
    await asyncio.gather(
        *(
            c.submit("reservation.reserve", {"slot_id": ids[n % slots], "participant_ids": [person], **wish})
            for n, person in enumerate(waiting)
        )
    )
    await c.sql.execute("ANALYZE")
    return event


@pytest.mark.parametrize("kind", ["event.cancel", "event.retire", "event.postpone"])
async def test_a_large_event(database_url: str, kind: str) -> None:
    async with centre(database_url) as c:
        event = await large_event(c)
        all_more: dict[str, dict[str, Any]] = {
            "event.cancel": {"reason": "storm"},
            "event.retire": {"cancel_people": True, "reason": "a mistake"},
            "event.postpone": {"minutes": 60},
        }
        started = time.monotonic()
        (slot,), answer = await asyncio.gather(c.slots(1), c.submit(kind, {"event_id": event, **all_more[kind]}))
        counts = ok(answer)["counts"]
        print(f"{kind}: {counts} in {time.monotonic() - started:.2f} s")
        everybody = PEOPLE + PEOPLE // 10
        assert counts["moved" if kind == "event.postpone" else "cancelled"] == everybody
        held = await c.sql.fetchval("SELECT count(*) FROM slot_reservations WHERE claim <> 'cancelled'")
        assert held == (everybody if kind == "event.postpone" else 0)
        await check_counts(c)
        ok(await c.reserve(slot, (await c.people(1))[0]))
