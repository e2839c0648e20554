"""Races as arithmetic, by two authorities over one database; each also with what protects it taken away.

So that it is a race each time, somebody holds the rows in question until both authorities wait for them: before they
have looked at anything where they lock, and after, when they write, where they don't.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Coroutine
from typing import Any

import asyncpg
import pytest

from server_sync.authority import batch, connection
from server_sync.authority.discover import discover
from server_sync.protocol.errors import BUSY, Refusal
from server_sync.protocol.ids import Id
from tests.authority.centre import Centre, centre, code, ok

CAPACITY, ASKING = 20, 200


@pytest.fixture
def quiet_net(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without locks the constraints may have to speak, and the lanes say so: whether they do is chance."""
    monkeypatch.setattr(logging.getLogger("server_sync.authority.lanes"), "disabled", True)


async def verdicts(c: Centre, slots: list[Id], asked: list[Coroutine[Any, Any, Any]]) -> list[str]:
    """What each was answered, all having been asked at once, and let go at once."""
    async with c.held(*slots):
        tasks = [asyncio.create_task(each) for each in asked]
        await c.waiting_authorities()
    return [code(result) for result in await asyncio.gather(*tasks)]


async def rush(c: Centre) -> tuple[Counter[str], Id]:
    """Two hundred people ask for a slot of twenty."""
    (slot,) = await c.slots(capacity=CAPACITY)
    people = await c.people(ASKING)
    asked = [c.reserve(slot, person, at=n % 2) for n, person in enumerate(people)]
    return Counter(await verdicts(c, [slot], asked)), slot


async def test_twenty_places_for_two_hundred(database_url: str) -> None:
    async with centre(database_url, 2, lanes=2) as c:
        said, slot = await rush(c)
        assert said == {"applied": 20, "SLOT_FULL": 180}
        assert await c.counts(slot) == (20, 20)
        assert await c.sql.fetchval("SELECT count(*) FROM reservation_members WHERE live") == 20


async def test_on_locks_alone(database_url: str) -> None:
    async with centre(database_url, 2, lanes=2) as c:
        await c.sql.execute("ALTER TABLE event_slots DROP CONSTRAINT ck_event_slots_within_capacity")
        said, slot = await rush(c)
        assert said == {"applied": 20, "SLOT_FULL": 180}
        assert await c.counts(slot) == (20, 20)


@pytest.mark.usefixtures("quiet_net")
async def test_on_the_check_alone(database_url: str) -> None:
    async with centre(database_url, 2, lanes=2, locking=False) as c:
        said, slot = await rush(c)
        assert said == {"applied": 20, "SLOT_FULL": 180}
        assert await c.counts(slot) == (20, 20)


async def test_with_both_gone_it_overbooks(database_url: str) -> None:
    async with centre(database_url, 2, lanes=2, locking=False) as c:
        await c.sql.execute("ALTER TABLE event_slots DROP CONSTRAINT ck_event_slots_within_capacity")
        said, slot = await rush(c)
        assert said == {"applied": 40, "SLOT_FULL": 160}
        assert await c.counts(slot) == (40, 40)


async def crosswise(c: Centre, pairs: int) -> list[Counter[str]]:
    """For each pair of people two places at one time, asked for both at once with the two named in either order."""
    here, there = (await c.slots(capacity=1000))[0], (await c.slots(capacity=1000))[0]
    people = await c.people(2 * pairs)
    asked = []
    for n in range(pairs):
        one, other = people[2 * n], people[2 * n + 1]
        asked += [c.reserve(here, one, other, at=0), c.reserve(there, other, one, at=1)]
    results = await verdicts(c, [here, there], asked)
    return [Counter(results[2 * n : 2 * n + 2]) for n in range(pairs)]


async def test_the_same_two_people_crosswise(database_url: str) -> None:
    async with centre(database_url, 2, lanes=2) as c:
        for said in await crosswise(c, 60):
            assert said == {"applied": 1, "DOUBLE_BOOKED": 1}


async def test_crosswise_on_locks_alone(database_url: str) -> None:
    async with centre(database_url, 2, lanes=2) as c:
        await c.sql.execute("ALTER TABLE reservation_members DROP CONSTRAINT ex_reservation_members_double_booked")
        for said in await crosswise(c, 60):
            assert said == {"applied": 1, "DOUBLE_BOOKED": 1}


@pytest.mark.usefixtures("quiet_net")
async def test_crosswise_on_the_exclusion_constraint_alone(database_url: str) -> None:
    async with centre(database_url, 2, lanes=2, locking=False) as c:
        for said in await crosswise(c, 20):
            assert said["applied"] == 1


async def test_crosswise_with_both_gone_somebody_is_in_two_places(database_url: str) -> None:
    async with centre(database_url, 2, lanes=2, locking=False) as c:
        await c.sql.execute("ALTER TABLE reservation_members DROP CONSTRAINT ex_reservation_members_double_booked")
        for said in await crosswise(c, 20):
            assert said == {"applied": 2}


async def moves(c: Centre, claims: int) -> list[list[str]]:
    """Each claim is moved to two other slots at once, by people who both saw it in the first."""
    start, left, right = await c.slots(3, capacity=1000)
    ids = [ok(await c.reserve(start, person))["reservation_id"] for person in await c.people(claims)]
    asked = [
        c.submit("reservation.move", {"reservation_id": id, "slot_id": to}, at=n, seen={f"slot_reservations/{id}": 1})
        for id in ids
        for n, to in enumerate((left, right))
    ]
    results = await verdicts(c, [start], asked)
    places = [(await c.counts(slot)) for slot in (start, left, right)]
    assert [counted for counted, _ in places] == [held for _, held in places]
    assert sum(counted for counted, _ in places) == claims
    return [sorted(results[2 * n : 2 * n + 2]) for n in range(claims)]


async def test_move_against_move(database_url: str) -> None:
    async with centre(database_url, 2, lanes=2) as c:
        assert await moves(c, 40) == [["MOVED", "applied"]] * 40


async def test_move_against_move_without_locks_both_believe_they_won(database_url: str) -> None:
    async with centre(database_url, 2, lanes=2, locking=False) as c:
        assert await moves(c, 40) == [["applied", "applied"]] * 40


async def test_a_claim_that_moved_while_its_command_waited_for_the_lock(database_url: str) -> None:
    """What was discovered without locks is stale then: the command asks for more, and is decided in another round."""
    async with centre(database_url) as c:
        start, other = await c.slots(2, capacity=9)
        people = await c.people(3)
        ids = [ok(await c.reserve(start, person))["reservation_id"] for person in people]
        async with c.held(start) as elsewhere:
            cancel = asyncio.create_task(c.submit("reservation.cancel", {"reservation_id": ids[0]}))
            await c.waiting_backends()
            arrive = asyncio.create_task(c.submit("attendance.arrive", {"reservation_id": ids[1]}))
            await asyncio.sleep(0.02)
            for table, column in (("slot_reservations", "id"), ("reservation_members", "reservation_id")):
                times = ", start_time = s.start_time, end_time = s.end_time" if table == "reservation_members" else ""
                await elsewhere.execute(
                    f"UPDATE {table} t SET slot_id = s.id{times} FROM event_slots s"
                    f" WHERE s.id = $1 AND t.{column} = ANY($2::uuid[])",
                    other,
                    ids[:2],
                )
        ok(await cancel)
        ok(await arrive)
        assert (await c.counts(start), await c.counts(other)) == ((1, 1), (1, 1))


async def test_cancel_against_check_in_against_move(database_url: str) -> None:
    """Whatever comes first, counts and claims agree, and no arrival is lost."""
    async with centre(database_url, 2, lanes=2) as c:
        start, other = await c.slots(2, capacity=100)
        ids = [ok(await c.reserve(start, person))["reservation_id"] for person in await c.people(40)]
        asked = []
        for id in ids:
            asked += [
                c.submit("reservation.cancel", {"reservation_id": id}, at=0),
                c.submit("attendance.arrive", {"reservation_id": id}, at=1),
                c.submit("reservation.move", {"reservation_id": id, "slot_id": other}, at=1),
            ]
        results = await verdicts(c, [start, other], asked)
        assert results[0::3] == ["applied"] * 40
        assert results[1::3] == ["applied"] * 40
        assert set(results[2::3]) <= {"applied", "NOT_LIVE"}
        assert await c.counts(start) == await c.counts(other) == (0, 0)
        assert await c.sql.fetchval("SELECT count(*) FROM attendance") == 40
        flagged = await c.sql.fetchval("SELECT count(*) FROM flags WHERE reason = 'arrived_on_cancelled'")
        assert flagged == await c.sql.fetchval(
            "SELECT count(*) FROM attendance a JOIN slot_reservations r ON r.id = a.reservation_id"
            " JOIN commands k ON k.id = a.command_id WHERE a.occurred_at > r.cancelled_at"
        )


async def postponed_in_a_rush(c: Centre, monkeypatch: pytest.MonkeyPatch) -> str:
    """What a postponement is told if somebody comes each time between its looking for who is there, and its locks."""
    (slot,) = await c.slots(capacity=100)
    room = await c.sql.fetchval("SELECT location_id::text FROM event_slots")
    people = await c.people(20)
    coming: list[asyncio.Task[Any]] = []

    async def just_before(*args: Any, **how: Any) -> Any:
        wants = await discover(*args, **how)
        if any(item.envelope.kind == "location.postpone" for item in args[2]):
            coming.append(asyncio.create_task(c.reserve(slot, people[len(coming)], at=1)))
            await asyncio.wait(coming, timeout=0.3)
        return wants

    monkeypatch.setattr(batch, "discover", just_before)
    said = code(await c.submit("location.postpone", {"location_id": room, "minutes": 5}))
    assert [code(result) for result in await asyncio.gather(*coming)] == ["applied"] * len(coming)
    assert await c.counts(slot) == (len(coming), len(coming))
    apart = "SELECT count(*) FROM reservation_members m JOIN event_slots s ON s.id = m.slot_id"
    assert await c.sql.fetchval(f"{apart} WHERE m.start_time <> s.start_time") == 0
    return said


async def test_postponed_though_somebody_comes_each_time(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with centre(database_url, 2) as c:
        assert await postponed_in_a_rush(c, monkeypatch) == "applied"


async def test_never_postponed_if_all_is_looked_for_before_the_locks(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "ROUNDS_UNLOCKED", 99)
    async with centre(database_url, 2) as c:
        assert await postponed_in_a_rush(c, monkeypatch) == BUSY


async def test_what_is_found_while_places_are_held_is_locked_in_order(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever finds the slot full joins the line, and so locks the event, as somebody has who waits for the slot."""
    rings: list[Exception] = []
    carry_out = batch.Batch._carry_out

    async def noted(self: batch.Batch, *args: Any) -> Any:
        try:
            return await carry_out(self, *args)
        except asyncpg.DeadlockDetectedError as error:
            rings.append(error)
            raise

    monkeypatch.setattr(batch.Batch, "_carry_out", noted)
    monkeypatch.setattr(batch, "ROUNDS_UNLOCKED", 0)
    async with centre(database_url, 2) as c:
        event = await c.create("event", name="Choir", waitlist_enabled=True)
        (slot,) = await c.slots(event=event, capacity=2)
        there, late = await c.people(2)
        ok(await c.reserve(slot, there, at=1))
        wanted = {"assignments": [{"slot_id": slot, "participant_ids": [late], "on_full": "waitlist"}]}
        async with c.held(slot) as elsewhere:
            joins = asyncio.create_task(c.submit("reservation.assign", wanted))
            await c.waiting_backends(1)
            cancels = asyncio.create_task(c.submit("slot.cancel", {"slot_id": slot, "reason": "rain"}, at=1))
            await c.waiting_backends(2)
            await elsewhere.execute("UPDATE event_slots SET capacity = 1 WHERE id = $1", slot)
        assert code(await joins) in ("applied", "SLOT_CANCELLED")
        ok(await cancels)
        assert rings == []


async def test_swapping_through_one_free_place(database_url: str) -> None:
    """Many claims chase each other through nearly full slots: no deadlock becomes an error, and nothing overflows."""
    async with centre(database_url, 2, lanes=2) as c:
        slots = await c.slots(6, capacity=5, max_capacity=29)
        people = await c.people(28)
        ids = [ok(await c.reserve(slots[n % 6], person))["reservation_id"] for n, person in enumerate(people)]
        asked = [
            c.submit("reservation.move", {"reservation_id": id, "slot_id": slots[(n * k + k) % 6]}, at=(n + k) % 2)
            for k in range(1, 6)
            for n, id in enumerate(ids)
        ]
        said = Counter(await verdicts(c, slots, asked))
        assert set(said) <= {"applied", "SLOT_FULL", "SAME_SLOT"}
        assert said["applied"] > 0
        for slot in slots:
            counted, held = await c.counts(slot)
            assert counted == held <= 5
        assert await c.sql.fetchval("SELECT sum(reserved_count) FROM event_slots") == 28


async def test_who_can_not_get_a_lock_is_told_to_come_again(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connection.SESSION, "lock_timeout", "50ms")
    async with centre(database_url) as c:
        (slot,) = await c.slots(capacity=5)
        free = (await c.slots(capacity=5))[0]
        people = await c.people(3)
        desk = await c.desk()
        async with c.held(slot):
            stuck = asyncio.create_task(c.reserve(slot, people[0]))
            other = asyncio.create_task(c.reserve(free, people[1]))
            queued = desk.queue("reservation.reserve", {"slot_id": slot, "participant_ids": [people[2]]})
            pushed = await desk.push(queued)
            result = await stuck
            ok(await other)
        assert isinstance(result, Refusal)
        assert (result.code, result.status) == (BUSY, 409)
        assert (pushed.stop, pushed.results) == ("retry", [])
        assert await c.sql.fetchval("SELECT count(*) FROM commands WHERE code = 'BUSY'") == 0
        reply = await desk.push(queued)
        assert (reply.stop, reply.next_seq) == (None, 2)
        ok(await c.reserve(slot, people[0]))
        assert await c.counts(slot) == (2, 2)
