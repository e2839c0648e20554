"""What breaks meanwhile: connections, rules, the server itself. Once each, or not at all, and never half."""

from __future__ import annotations

import asyncio
import dataclasses
import random
from typing import Any

import asyncpg
import msgspec
import pytest

from server_sync.authority import lanes
from server_sync.authority.faults import LOST, caught_by_constraint
from server_sync.authority.lanes import Overloaded, Unavailable
from server_sync.protocol.commands import Result
from server_sync.protocol.ids import new_id
from server_sync.protocol.records import SlotReservation
from server_sync.rules.registry import RULES
from server_sync.rules.state import Changes
from tests.authority.centre import ROOT, centre, envelope, ok


async def test_a_backend_killed_in_the_middle_of_a_batch(database_url: str) -> None:
    async with centre(database_url) as c:
        (slot,) = await c.slots(capacity=5)
        people = await c.people(4)
        async with c.held(slot):
            tasks = [asyncio.create_task(c.reserve(slot, person)) for person in people]
            (backend,) = await c.waiting_backends()
            await c.sql.execute("SELECT pg_terminate_backend($1)", backend)
            await asyncio.sleep(0.05)
        for task in tasks:
            ok(await task)
        assert await c.counts(slot) == (4, 4)
        assert await c.sql.fetchval("SELECT count(*) FROM commands WHERE kind = 'reservation.reserve'") == 4


async def test_backends_killed_at_any_moment(database_url: str) -> None:
    """Also between a commit and its answer: asked again with the same id, the ledger answers."""
    seed = 7
    print(f"seed {seed}")
    dice = random.Random(seed)
    async with centre(database_url, 2, lanes=2) as c:
        slots = await c.slots(10, capacity=100)
        people = await c.people(150)
        answers: list[dict[str, Any]] = []

        async def visitor(person: str, slot: str, at: int) -> None:
            command = envelope("reservation.reserve", {"slot_id": slot, "participant_ids": [person]})
            while True:
                try:
                    answers.append(ok(await c.authorities[at].submit(ROOT, command, c.programme)))
                    return
                except Unavailable:
                    await asyncio.sleep(0.01)

        async def killer() -> None:
            while True:
                await asyncio.sleep(dice.uniform(0.001, 0.03))
                await c.sql.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid() ORDER BY random() LIMIT 1"
                )

        killing = asyncio.create_task(killer())
        for wave in range(5):
            await asyncio.gather(
                *(visitor(person, slots[n % 10], n % 2) for n, person in enumerate(people) if n % 5 == wave)
            )
        killing.cancel()
        await asyncio.gather(killing, return_exceptions=True)
        assert len({answer["ref"] for answer in answers}) == 150
        assert await c.sql.fetchval("SELECT sum(reserved_count) FROM event_slots") == 150
        assert await c.sql.fetchval("SELECT count(*) FROM slot_reservations") == 150
        assert await c.sql.fetchval("SELECT count(*) FROM commands WHERE kind = 'reservation.reserve'") == 150


@pytest.mark.expects_log("deciding reservation.cancel .* failed")
async def test_a_bug_in_a_rule_is_loud_and_no_verdict(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with centre(database_url) as c:
        (slot,) = await c.slots(capacity=9)
        people = await c.people(8)
        id = ok(await c.reserve(slot, people[0]))["reservation_id"]
        rule = RULES["reservation.cancel"]

        def decide(state: Any, command: Any, now: Any) -> Any:
            return state.get(SlotReservation, new_id())  # looks at what it never asked for

        command = envelope("reservation.cancel", {"reservation_id": id})
        with monkeypatch.context() as patch:
            patch.setitem(RULES, rule.kind, dataclasses.replace(rule, decide=decide))
            cancelled = asyncio.create_task(c.authority.submit(ROOT, command, c.programme))
            others = [asyncio.create_task(c.reserve(slot, person)) for person in people[1:]]
            with pytest.raises(LookupError, match="slot_reservations/"):
                await cancelled
            for task in others:
                ok(await task)
        assert await c.counts(slot) == (8, 8)
        assert await c.sql.fetchval("SELECT count(*) FROM commands WHERE id = $1", command.id) == 0
        ok(await c.authority.submit(ROOT, command, c.programme))


@pytest.mark.expects_log("reservation.reserve could not be carried out")
async def test_rows_that_the_database_can_not_take_harm_no_other(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with centre(database_url) as c:
        (slot,) = await c.slots(capacity=100)
        people = await c.people(40)
        rule = RULES["reservation.reserve"]

        def decide(state: Any, command: Any, now: Any) -> Any:
            verdict = rule.decide(state, command, now)
            assert isinstance(verdict, Changes)
            claim, *more = verdict.puts
            if command.args.special_requirements == "poison":
                claim = msgspec.structs.replace(claim, location_id="no uuid")
            return Changes([claim, *more], verdict.answer)

        monkeypatch.setitem(RULES, rule.kind, dataclasses.replace(rule, decide=decide))
        async with c.held(slot):
            blocker = asyncio.create_task(c.reserve(slot, people[0]))
            await c.waiting_backends()
            tasks = []
            for n, person in enumerate(people[1:]):
                args = {
                    "slot_id": slot,
                    "participant_ids": [person],
                    "special_requirements": "poison" if n == 17 else "x",
                }
                tasks.append(asyncio.create_task(c.submit("reservation.reserve", args)))
            await asyncio.sleep(0.05)
        ok(await blocker)
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert isinstance(results[17], asyncpg.PostgresError)
        assert all(isinstance(result, Result) for n, result in enumerate(results) if n != 17)
        assert await c.counts(slot) == (39, 39)


async def test_more_than_will_ever_be_answered(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "MOST_WAITING", 3)
    async with centre(database_url) as c:
        (slot,) = await c.slots(capacity=9)
        people = await c.people(3)
        async with c.held(slot):
            first = asyncio.create_task(c.reserve(slot, people[0]))
            await c.waiting_backends()
            waiting = [asyncio.create_task(c.submit("group.create", {"name": f"G{n}"})) for n in range(3)]
            await asyncio.sleep(0.01)
            with pytest.raises(Overloaded):
                await c.reserve(slot, people[2])
        for task in (first, *waiting):
            ok(await task)


async def test_closing_while_somebody_waits(database_url: str) -> None:
    async with centre(database_url) as c:
        (slot,) = await c.slots(capacity=9)
        people = await c.people(3)
        async with c.held(slot):
            first = asyncio.create_task(c.reserve(slot, people[0]))
            await c.waiting_backends()
            others = [asyncio.create_task(c.reserve(slot, person)) for person in people[1:]]
            await asyncio.sleep(0.01)
            async with asyncio.timeout(5):
                await c.authority.close()
            for task in (first, *others):
                with pytest.raises(Unavailable):
                    await task
        async with asyncio.timeout(5):
            with pytest.raises(Unavailable):
                await c.reserve(slot, people[0])
        assert await c.counts(slot) == (0, 0)


async def test_a_caller_that_goes_away_disturbs_nobody(database_url: str) -> None:
    async with centre(database_url) as c:
        (slot,) = await c.slots(capacity=9)
        people = await c.people(2)
        async with c.held(slot):
            gone = asyncio.create_task(c.reserve(slot, people[0]))
            await c.waiting_backends()
            gone.cancel()
            stays = asyncio.create_task(c.reserve(slot, people[1]))
        ok(await stays)
        with pytest.raises(asyncio.CancelledError):
            await gone
        assert await c.counts(slot) == (2, 2), "what was asked is carried out; its id still answers"


def test_what_a_constraint_says_in_words() -> None:
    def violated(kind: type[asyncpg.PostgresError], table: str, name: str) -> str | None:
        error = kind("no")
        error.table_name, error.constraint_name = table, name
        refusal = caught_by_constraint(error)
        return None if refusal is None else refusal.code

    check, exclusion = asyncpg.CheckViolationError, asyncpg.ExclusionViolationError
    assert violated(check, "event_slots", "ck_event_slots_within_capacity") == "SLOT_FULL"
    assert violated(check, "event_time_blocks", "ck_event_time_blocks_within_capacity") == "BLOCK_FULL"
    assert violated(check, "events", "ck_events_within_capacity") == "EVENT_FULL"
    assert violated(check, "event_slots", "ck_event_slots_places_positive") is None
    assert violated(check, "reservation_members", "ck_reservation_members_ends_after_it_starts") is None
    assert violated(asyncpg.NotNullViolationError, "reservation_members", "") is None
    assert violated(exclusion, "reservation_members", "ex_reservation_members_double_booked") == "DOUBLE_BOOKED"
    assert violated(exclusion, "event_time_blocks", "ex_event_time_blocks_room_taken") == "ROOM_TAKEN"
    assert violated(asyncpg.UniqueViolationError, "events", "uq_events_ref") == "ALREADY_EXISTS"
    assert violated(asyncpg.ForeignKeyViolationError, "attendance", "fk") == "NOT_FOUND"
    assert caught_by_constraint(ValueError()) is None
    assert not issubclass(asyncpg.DataError, LOST)
