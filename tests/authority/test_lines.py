"""The line, the swap and the bulk assignment through the real authority: two of them on one database, all at once."""

from __future__ import annotations

import asyncio
import random
import time

from server_sync.protocol.ids import Id
from tests.authority.centre import Centre, centre, code, ok


async def line_of(
    here: Centre, *, capacity: int, count: int = 1, order: str = "strict", limit: int | None = None
) -> list[Id]:
    """The slots of an event that keeps a line."""
    event = {"name": "Choir", "waitlist_enabled": True, "waitlist_order": order, "capacity": limit}
    id = await here.create("event", **event)
    return await here.slots(count, capacity=capacity, event=id)


async def waiting_in_order(here: Centre, slot: Id) -> list[Id]:
    """Who waits for the slot, first come first."""
    rows = await here.sql.fetch(
        "SELECT id::text FROM slot_reservations WHERE slot_id = $1 AND claim = 'waitlisted' ORDER BY queued_at, id",
        slot,
    )
    return [row[0] for row in rows]


async def test_cancelling_while_others_join(database_url: str) -> None:
    """Whoever leaves and whoever comes, at two authorities at once: the slot ends up full, and never over."""
    async with centre(database_url, 2) as here:
        (slot,) = await line_of(here, capacity=5)
        people = await here.people(60)

        async def join(number: int) -> Id:
            args = {"slot_id": slot, "participant_ids": [people[number]], "on_full": "waitlist"}
            return str(ok(await here.submit("reservation.reserve", args, at=number % 2))["reservation_id"])

        first = [await join(number) for number in range(5)]
        promoted: list[Id] = []

        async def leave(id: Id, at: int) -> None:
            promoted.extend(
                ok(await here.submit("reservation.cancel", {"reservation_id": id}, at=at)).get("promoted", [])
            )

        mixed = [join(number) for number in range(5, 60)]
        leaving = [leave(id, number % 2) for number, id in enumerate(first)]
        await asyncio.gather(*mixed, *leaving)
        assert await here.counts(slot) == (5, 5)
        claims = {
            row[0]: row[1] for row in await here.sql.fetch("SELECT claim, count(*) FROM slot_reservations GROUP BY 1")
        }
        assert claims == {"reserved": 5, "cancelled": 5, "waitlisted": 50}
        assert len(set(promoted)) == len(promoted) <= 5
        in_order = await waiting_in_order(here, slot)
        while in_order:
            (holder,) = await here.sql.fetchrow(
                "SELECT id::text FROM slot_reservations WHERE slot_id = $1 AND claim = 'reserved' LIMIT 1", slot
            )
            answer = ok(await here.submit("reservation.cancel", {"reservation_id": holder}, at=len(in_order) % 2))
            assert answer["promoted"] == in_order[:1]
            in_order = in_order[1:]
        members = await here.sql.fetchval("SELECT count(*) FROM reservation_members WHERE live OR waiting")
        assert members == 5


async def test_six_hundred_wait_and_every_place_goes_to_the_next(database_url: str) -> None:
    async with centre(database_url, 2) as here:
        (slot,) = await line_of(here, capacity=20)
        people = await here.people(620)
        assignments = [{"slot_id": slot, "participant_ids": [person], "on_full": "waitlist"} for person in people]
        results = ok(await here.submit("reservation.assign", {"assignments": assignments}))["results"]
        ids = [result["reservation_id"] for result in results]
        assert [result.get("claim") for result in results] == [None] * 20 + ["waitlisted"] * 600
        assert await waiting_in_order(here, slot) == ids[20:], "in the order in which they were named"
        started = time.perf_counter()
        answers = await asyncio.gather(
            *(here.submit("reservation.cancel", {"reservation_id": id}, at=n % 2) for n, id in enumerate(ids[:20]))
        )
        took = time.perf_counter() - started
        promoted = [id for answer in answers for id in ok(answer)["promoted"]]
        assert sorted(promoted) == sorted(ids[20:40])
        assert await here.counts(slot) == (20, 20)
        print(f"20 cancellations with 600 waiting: {took * 1000:.0f} ms")
        elsewhere = (await here.slots(1, capacity=100))[0]
        busy = [{"slot_id": elsewhere, "participant_ids": [person]} for person in people[40:90]]
        ok(await here.submit("reservation.assign", {"assignments": busy}))
        answer = ok(await here.submit("reservation.cancel", {"reservation_id": promoted[0]}))
        assert answer["promoted"] == [ids[90]], "fifty who are elsewhere are passed"
        assert code(await here.submit("reservation.reserve", {"slot_id": slot, "reserved_name": "x"})) == "SLOT_FULL"


async def test_promoting_by_hand_while_the_line_moves(database_url: str) -> None:
    async with centre(database_url, 2) as here:
        (slot,) = await line_of(here, capacity=3, order="best_fit")
        ids = []
        for number in range(12):
            args = {"slot_id": slot, "reserved_name": f"{number}", "on_full": "waitlist"}
            ids.append(ok(await here.submit("reservation.reserve", args))["reservation_id"])
        asked = [here.submit("reservation.cancel", {"reservation_id": id}, at=0) for id in ids[:3]]
        asked += [here.submit("waitlist.promote", {"reservation_ids": [id]}, at=1) for id in ids[8:]]
        asked += [here.submit("waitlist.remove", {"reservation_ids": ids[4:6]}, at=1)]
        said = [code(result) for result in await asyncio.gather(*asked)]
        assert set(said) <= {"applied", "SLOT_FULL", "NOT_WAITING"}
        assert await here.counts(slot) == (3, 3)


async def test_swaps_crosswise_and_at_once(database_url: str) -> None:
    """Pairs that swap back and forth at two authorities: nobody is lost or doubled, and nothing deadlocks."""
    async with centre(database_url, 2) as here:
        slots = await here.slots(6)
        people = await here.people(6)
        ids = [ok(await here.reserve(slot, who))["reservation_id"] for slot, who in zip(slots, people, strict=True)]
        dice = random.Random(7)
        pairs = [dice.sample(ids, 2) for _ in range(60)]
        asked = [
            here.submit("reservation.swap", {"reservation_id": one, "with_reservation_id": other}, at=n % 2)
            for n, (one, other) in enumerate(pairs)
        ]
        assert {code(result) for result in await asyncio.gather(*asked)} == {"applied"}
        rows = await here.sql.fetch("SELECT id::text, slot_id::text FROM slot_reservations WHERE claim = 'reserved'")
        assert {row[0] for row in rows} == set(ids)
        assert {row[1] for row in rows} == set(slots)
        assert [await here.counts(slot) for slot in slots] == [(1, 1)] * 6


async def test_a_swap_within_what_is_overbooked(database_url: str) -> None:
    """The database nets what a statement gives and takes; the rules say the same."""
    async with centre(database_url) as here:
        one_slot, other_slot = await here.slots(2)
        one = ok(await here.submit("reservation.reserve", {"slot_id": one_slot, "reserved_name": "a"}))[
            "reservation_id"
        ]
        two = {"slot_id": other_slot, "reserved_name": "b", "guests": 1, "override_reason": "family"}
        other = ok(await here.submit("reservation.override", two))["reservation_id"]
        args = {"reservation_id": one, "with_reservation_id": other}
        assert code(await here.submit("reservation.swap", args)) == "SLOT_FULL"
        ok(await here.submit("reservation.swap", args | {"override_reason": "family"}))
        counts = "SELECT reserved_count, overbooked_count FROM event_slots WHERE id = $1"
        assert tuple(await here.sql.fetchrow(counts, one_slot)) == (2, 1)
        assert tuple(await here.sql.fetchrow(counts, other_slot)) == (1, 0)
        extra = {"slot_id": other_slot, "reserved_name": "c", "guests": 1, "override_reason": "more"}
        third = ok(await here.submit("reservation.override", extra))["reservation_id"]
        assert tuple(await here.sql.fetchrow(counts, other_slot)) == (3, 2)
        ok(await here.submit("reservation.swap", {"reservation_id": third, "with_reservation_id": other}))
        assert tuple(await here.sql.fetchrow(counts, one_slot)) == (2, 1)
        assert tuple(await here.sql.fetchrow(counts, other_slot)) == (3, 2)


async def test_a_thousand_at_once(database_url: str) -> None:
    """The largest assignment there may be: into forty slots of a limited event, whose lines take the rest."""
    async with centre(database_url) as here:
        slots = await line_of(here, capacity=20, count=40, limit=700)
        people = await here.people(1000)
        assignments = [
            {"slot_id": slots[number % 40], "participant_ids": [person], "on_full": "waitlist"}
            for number, person in enumerate(people)
        ]
        started = time.perf_counter()
        answer = ok(await here.submit("reservation.assign", {"assignments": assignments}))
        took = time.perf_counter() - started
        print(f"an assignment of 1000: {took:.2f} s")
        assert answer["made"] == 1000
        assert sum(result.get("claim") == "waitlisted" for result in answer["results"]) == 300
        assert {await here.counts(slot) for slot in slots} <= {(n, n) for n in range(21)}
        assert await here.sql.fetchval("SELECT max(reserved_count) FROM events") == 700
        again = await here.submit("reservation.assign", {"assignments": assignments})
        assert code(again) == "ALREADY_RESERVED"
        started = time.perf_counter()
        best = await here.submit("reservation.assign", {"assignments": assignments, "mode": "best"})
        print(f"a thousand refusals: {time.perf_counter() - started:.2f} s")
        assert code(best) == "NOTHING_TO_DO"
        assert took < 20
