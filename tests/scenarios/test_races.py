"""Many at once, and things going wrong in the middle: never one too many, never half of anything."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from server_sync.authority import batch
from server_sync.authority.devices import save_cursors
from tests.scenarios.stage import Stage, at

NO_LOCKS = "environment:CALLBOARD_TEST_PROTECTIONS=nolock"
NO_TRANSACTION = "part:asyncpg.transaction:Transaction.__aenter__ + part:asyncpg.transaction:Transaction.__aexit__"
SLOT_LIMIT = "event_slots DROP CONSTRAINT ck_event_slots_within_capacity"


def codes(replies: list[httpx.Response]) -> Counter[str]:
    """How often each answer was given."""
    return Counter("yes" if reply.is_success else str(reply.json()["error_code"]) for reply in replies)


async def rush(stage: Stage, slot: str, asking: int) -> list[httpx.Response]:
    """So many people ask for a place in *slot* at once."""
    people = await stage.people(asking)
    asked = [stage.give("reservation.reserve", {"slot_id": slot, "participant_ids": [person]}) for person in people]
    return await stage.all_at_once([slot], *asked)


@pytest.mark.turned_off(NO_LOCKS)
async def test_T23_S06_of_many_at_once_exactly_as_many_as_there_are_places(stage: Stage) -> None:
    await stage.sql.execute(f"ALTER TABLE {SLOT_LIMIT}")  # so that the row locks alone must do it
    slot = await stage.festival.slot(capacity=10)
    said = codes(await rush(stage, slot, 60))
    _, taken = await stage.counts(slot)
    assert taken <= 10, "overbooked"
    assert said == {"yes": 10, "SLOT_FULL": 50}
    assert await stage.counts(slot) == (10, 10)


@pytest.mark.turned_off(f"{NO_LOCKS} + constraint:events.ck_events_within_capacity")
async def test_W26_the_last_spot_of_an_event_is_given_once(stage: Stage) -> None:
    event = await stage.create("event", name="Registration", capacity=1)
    for hour in (14, 15):
        await stage.create(
            "block", event_id=event, location_id=stage.festival.room, capacity=50,
            start_time=at(f"{hour}:00"), end_time=at(f"{hour + 1}:00"),
        )  # fmt: skip
    slots = [slot["id"] for slot in (await stage.get("/v1/slots", eventId=event))["slots"]]
    asked = [
        stage.give("reservation.reserve", {"slot_id": slots[n % 2], "reserved_name": f"Somebody {n}"})
        for n in range(30)
    ]
    said = codes(await stage.all_at_once(slots, *asked))
    taken = await stage.value("SELECT sum(reserved_count)::int FROM event_slots WHERE event_id = $1", event)
    assert taken == 1, "the last spot was given more than once"
    assert said == {"yes": 1, "EVENT_FULL": 29}


NO_CHECKS = f"{NO_LOCKS} + constraint:event_slots.ck_event_slots_within_capacity"


@pytest.mark.turned_off(NO_CHECKS)
async def test_R15_create_cancel_update_and_promote_at_once_never_overbook_or_miscount(stage: Stage) -> None:
    event = await stage.create("event", name="Gala", waitlist_enabled=True, waitlist_order="best_fit")
    await stage.create(
        "block", event_id=event, location_id=stage.festival.room, capacity=6, start_time=at("20:00"),
        end_time=at("21:00"),
    )  # fmt: skip
    slot = (await stage.get("/v1/slots", eventId=event))["slots"][0]["id"]
    join = {"slot_id": slot, "on_full": "waitlist"}
    ids = [await stage.reserve(slot, reserved_name=f"In {n}") for n in range(6)]
    waiting = [
        (await stage.command("reservation.reserve", join | {"reserved_name": f"Line {n}"}))["reservation_id"]
        for n in range(6)
    ]
    asked = [stage.give("reservation.cancel", {"reservation_id": id}) for id in ids[:3]]
    asked += [stage.give("reservation.update", {"reservation_id": id, "guests": 1}) for id in ids[3:]]
    asked += [stage.give("waitlist.promote", {"reservation_ids": [id]}) for id in waiting[3:]]
    asked += [stage.give("reservation.reserve", join | {"reserved_name": f"Late {n}"}) for n in range(6)]
    random.Random(5).shuffle(asked)
    said = codes(await stage.all_at_once([slot], *asked))
    count, spots = await stage.counts(slot)
    assert spots == 6, "every place that was freed is taken, and none twice"
    assert count == spots, "miscounted"
    assert set(said) <= {"yes", "SLOT_FULL", "NOT_WAITING"}, said


@contextmanager
def broken() -> Iterator[None]:
    """The database fails when claims, counts and ledger are written, and nothing is committed yet."""

    async def fail(connection: Any, cursors: Any) -> None:
        await connection.execute("SELECT 1 / 0")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batch, "save_cursors", fail)
        yield


@pytest.mark.expects_log("could not be carried out")
@pytest.mark.expects_log("POST /v1/commands failed")
@pytest.mark.turned_off(NO_TRANSACTION)
async def test_T24_a_failure_midway_leaves_neither_claim_nor_count(stage: Stage) -> None:
    slot, other = await stage.festival.slot(capacity=5), await stage.festival.slot()
    ada, bo = await stage.people(2)
    held = await stage.reserve(slot, bo)
    reserve: dict[str, Any] = {"slot_id": slot, "participant_ids": [ada]}
    with broken():
        assert (await stage.give("reservation.reserve", reserve)).status_code == 500
        assert (await stage.give("reservation.move", {"reservation_id": held, "slot_id": other})).status_code == 500
    assert await stage.value("SELECT count(*) FROM slot_reservations") == 1
    assert await stage.value("SELECT count(*) FROM commands WHERE kind LIKE 'reservation.%'") == 1
    assert (await stage.counts(slot), await stage.counts(other)) == ((1, 1), (0, 0))
    await stage.command("reservation.reserve", reserve)
    assert await stage.counts(slot) == (2, 2)


@pytest.mark.expects_log("could not be carried out")
@pytest.mark.expects_log("POST /v1/commands failed")
@pytest.mark.turned_off(
    NO_TRANSACTION, "part:asyncpg.pool:PoolAcquireContext.__aexit__->tests.scenarios.test_races:keep"
)
async def test_R13_a_failing_operation_gives_its_connection_back(stage: Stage) -> None:
    slot, people = await stage.festival.slot(capacity=50), await stage.people(30)
    try:
        async with asyncio.timeout(20):
            await _fail_and_succeed(stage, slot, people)
    finally:
        for pool, connection in KEPT:  # or the server would wait for them when it stops
            await pool.release(connection)
        KEPT.clear()
    assert await stage.counts(slot) == (30, 30)


async def _fail_and_succeed(stage: Stage, slot: str, people: list[str]) -> None:
    pool = stage.app.state.services.authority._lanes.main._pool
    with broken():
        for person in people:
            args = {"slot_id": slot, "participant_ids": [person]}
            assert (await stage.give("reservation.reserve", args)).status_code == 500
            async with asyncio.timeout(2):  # "something has changed" may be on its way to the desks meanwhile
                while pool.get_size() != pool.get_idle_size():  # noqa: ASYNC110  a pool tells nobody
                    await asyncio.sleep(0.01)
    idle = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in trans%'"
    assert await stage.value(idle) == 0
    assert (await stage.value("SELECT count(*) FROM slot_reservations"), await stage.counts(slot)) == (0, (0, 0))
    for person in people:
        await stage.reserve(slot, person)


KEPT: list[tuple[Any, Any]] = []


async def keep(context: Any, *_: object) -> None:
    """Where a connection goes that is given back only if all went well."""
    connection, context.connection, context.done = context.connection, None, True
    if vars(batch)["save_cursors"] is save_cursors:
        await context.pool.release(connection)
    else:
        KEPT.append((context.pool, connection))


@pytest.mark.turned_off("part:server_sync.authority.lanes:MOST_FAILURES=1")
async def test_R14_a_deadlock_is_resolved_and_nothing_is_lost_or_doubled(stage: Stage) -> None:
    slots = sorted([await stage.festival.slot(capacity=5) for _ in range(2)])
    claim = await stage.reserve(slots[0], await stage.festival.person())
    deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    before = await stage.value(deadlocks)
    async with stage.holding(slots[1]) as other:
        await other.execute("SET LOCAL deadlock_timeout = '1h'")  # so that it is the server that gives way
        move = asyncio.create_task(stage.give("reservation.move", {"reservation_id": claim, "slot_id": slots[1]}))
        await stage.waiting()
        await other.execute("SELECT 1 FROM event_slots WHERE id = $1::text::uuid FOR UPDATE", slots[0])
    reply = await move
    assert reply.status_code == 200, reply.text
    assert await stage.value(f"SELECT ({deadlocks}) > $1", before), "there was a deadlock"
    assert [await stage.counts(slot) for slot in slots] == [(0, 0), (1, 1)]
    assert await stage.value("SELECT count(*) FROM commands WHERE kind = 'reservation.move'") == 1
    assert (await stage.reservation(claim))["placement_version"] == 2
