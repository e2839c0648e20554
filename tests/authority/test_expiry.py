"""The timer that one process keeps: holds that ran out end by themselves, once, whoever leads."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import msgspec
import pytest

from server_sync.authority import lanes
from server_sync.authority import leader as leader_module
from server_sync.authority.expiry import Expiry
from server_sync.authority.load import lock
from server_sync.protocol.ids import Id
from server_sync.protocol.imports import Import
from server_sync.rules.import_file import Args
from server_sync.rules.registry import RULES
from tests.authority.centre import ROOT, Centre, centre, envelope, ok
from tests.authority.test_holds import hall, hold, taken


@asynccontextmanager
async def timers(c: Centre) -> AsyncIterator[list[Expiry]]:
    """One beside each authority."""
    async with AsyncExitStack() as stack:
        made = []
        for authority in c.authorities:
            made.append(Expiry.open(c.url, authority))
            stack.push_async_callback(made[-1].close)
        yield made


async def until(what: Any, seconds: float = 5.0) -> float:
    """How long it took until *what* (awaited) was true; fails after that many seconds."""
    started = time.monotonic()
    while not await what():
        assert time.monotonic() - started < seconds, "it did not happen in time"
        await asyncio.sleep(0.02)
    return time.monotonic() - started


async def test_one_of_several_ends_holds_and_serves_the_line(database_url: str) -> None:
    async with centre(database_url, 2) as c, timers(c) as expiries:
        event = await c.create("event", name="Gala", waitlist_enabled=True)
        (slot,) = await c.slots(event=event)
        held = ok(await hold(c, slot, ttl_seconds=1))["reservation_id"]
        waiting = {"slot_id": slot, "reserved_name": "Bea", "on_full": "waitlist"}
        bea = ok(await c.submit("reservation.reserve", waiting))["reservation_id"]

        async def served() -> bool:
            claims = dict(await c.sql.fetch("SELECT id::text, claim FROM slot_reservations"))
            return claims == {held: "expired", bea: "reserved"}

        await until(served)
        assert [expiry.leads for expiry in expiries].count(True) == 1
        assert await c.sql.fetchval("SELECT count(*) FROM commands WHERE kind = 'hold.expire'") == 1
        assert await c.sql.fetchval("SELECT actor FROM commands WHERE kind = 'hold.expire'") == "Callboard"


async def test_another_leads_when_the_leader_stops(database_url: str) -> None:
    async with centre(database_url, 2) as c, timers(c) as expiries:

        async def somebody_leads() -> bool:
            return any(expiry.leads for expiry in expiries)

        await until(somebody_leads)
        first = next(expiry for expiry in expiries if expiry.leads)
        other = next(expiry for expiry in expiries if expiry is not first)
        assert not other.leads
        await first.close()

        async def the_other_leads() -> bool:
            return other.leads

        await until(the_other_leads)


async def test_whose_connection_is_cut_stands_by_again(database_url: str) -> None:
    async with centre(database_url) as c, timers(c) as (expiry,):
        backend = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND classid = $1 AND granted"

        async def leads() -> bool:
            return expiry.leads

        await until(leads)
        (pid,) = [row[0] for row in await c.sql.fetch(backend, leader_module._LOCKS)]
        await c.sql.execute("SELECT pg_terminate_backend($1)", pid)
        slot, (seat,) = await hall(c, 1)
        ok(await hold(c, slot, seat, ttl_seconds=1))

        async def free() -> bool:
            return not await taken(c, slot)

        await until(free, 8)
        assert await c.sql.fetchval("SELECT count(*) FROM pg_locks WHERE classid = $1", leader_module._LOCKS) == 1


async def test_one_that_can_not_be_ended_does_not_keep_the_others(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with centre(database_url) as c:
        slot, seats = await hall(c, 3)
        ids = [ok(await hold(c, slot, seat, ttl_seconds=1))["reservation_id"] for seat in seats]
        await asyncio.sleep(1.1)
        submit = c.authority.submit

        async def failing(principal: Any, envelope: Any, programme_id: Any = None) -> Any:
            if ids[1] in bytes(envelope.args).decode():
                raise RuntimeError("a bug that one of them has")
            return await submit(principal, envelope, programme_id)

        monkeypatch.setattr(c.authority, "submit", failing)
        connection: Any = await asyncpg.connect(database_url)
        await Expiry(c.authority).look(connection)
        await connection.close()
        assert list(await taken(c, slot)) == [ids[1]]


async def test_whoever_keeps_one_event_delays_no_other(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither another event's holds nor another programme's, and what is kept is asked for once, not hold by hold."""
    monkeypatch.setattr(lanes, "PATIENCE_SECONDS", 3.0)
    async with centre(database_url) as c:
        event = await c.create("event", name="Gala", capacity=100)
        kept, *_ = slots = await c.slots(8, event=event, start=datetime.now(UTC) + timedelta(days=1))
        (other,) = await c.slots(start=datetime.now(UTC) + timedelta(days=1))
        strangers = dataclasses.replace(c, programme=await _programme(c))
        (elsewhere,) = await strangers.slots(start=datetime.now(UTC) + timedelta(days=1))
        late = [ok(await hold(c, slot, ttl_seconds=1))["reservation_id"] for slot in slots]
        await c.sql.execute("UPDATE slot_reservations SET expires_at = expires_at - interval '1 day'")
        async with _event_kept(c, kept), timers(c):
            await c.waiting_backends()
            free = [await hold(c, other, ttl_seconds=1), await hold(strangers, elsewhere, ttl_seconds=1)]
            ids = [ok(held)["reservation_id"] for held in free]

            async def ended() -> bool:
                claims = "SELECT bool_and(claim = 'expired') FROM slot_reservations WHERE id = ANY ($1::uuid[])"
                return bool(await c.sql.fetchval(claims, ids))

            await until(ended, 1 + 5)
            asked = [task for task in asyncio.all_tasks() if task.get_name().startswith("expiry-")]
            assert len(asked) == 1
            await asyncio.wait(asked, timeout=2 * lanes.PATIENCE_SECONDS)
            assert asked[0].done(), "nobody was tried one by one"
            claims = "SELECT count(*) FROM slot_reservations WHERE id = ANY ($1::uuid[]) AND claim = 'held'"
            assert await c.sql.fetchval(claims, late) == len(late)

        async def all_ended() -> bool:
            return not await c.sql.fetchval("SELECT count(*) FROM slot_reservations WHERE claim = 'held'")

        async with timers(c):
            await until(all_ended)


async def _programme(c: Centre) -> Id:
    made = envelope("programme.create", {"name": "Another day"})
    ok(await c.authority.submit(ROOT, made))
    return made.id


@asynccontextmanager
async def _event_kept(c: Centre, slot: Id) -> AsyncIterator[None]:
    """Somebody keeps the row of the slot's event until the end of the block."""
    connection: Any = await asyncpg.connect(c.url)
    event = "SELECT 1 FROM events WHERE id = (SELECT event_id FROM event_slots WHERE id = $1::text::uuid) FOR UPDATE"
    try:
        async with connection.transaction():
            await connection.execute(event, slot)
            yield
    finally:
        await connection.close()


async def test_a_look_that_is_repeated_repeats_nothing(database_url: str) -> None:
    """The command's id follows from what it ends: two that believe they lead do it once."""
    async with centre(database_url, 2) as c:
        slot, seats = await hall(c, 2)
        for seat in seats:
            ok(await hold(c, slot, seat, ttl_seconds=1))
        await asyncio.sleep(1.1)
        connections: list[Any] = [await asyncpg.connect(database_url) for _ in range(2)]
        looks = zip(c.authorities, connections, strict=True)
        await asyncio.gather(*(Expiry(authority).look(connection) for authority, connection in looks))
        for connection in connections:
            await connection.close()
        assert await c.sql.fetchval("SELECT count(*) FROM commands WHERE kind = 'hold.expire'") == 1
        assert await c.counts(slot) == (0, 0)


@pytest.mark.expects_log("ran out and was not ended .NOT_EXPIRED.")
async def test_a_hold_that_was_refused_once_is_not_refused_for_ever(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clock that was set back between the look and the lock: the verdict is stored, and the hold is due still."""
    async with centre(database_url) as c:
        slot, (seat,) = await hall(c, 1)
        ok(await hold(c, slot, seat, ttl_seconds=1))
        await asyncio.sleep(1.1)
        expiry = Expiry(c.authority)
        connection: Any = await asyncpg.connect(database_url)
        with monkeypatch.context() as patch:

            async def earlier(*args: Any) -> Any:
                return await lock(*args) - timedelta(minutes=5)

            patch.setattr("server_sync.authority.batch.lock", earlier)
            await expiry.look(connection)
            assert len(await taken(c, slot)) == 1
        await expiry.look(connection)
        await connection.close()
        assert not await taken(c, slot)
        statuses = "SELECT status, count(*)::int FROM commands WHERE kind = 'hold.expire' GROUP BY status"
        assert dict(await c.sql.fetch(statuses)) == {"rejected": 1, "applied": 1}


async def test_a_hold_ends_in_time_while_a_long_file_is_decided(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What takes seconds takes them on a thread: the process that leads goes on looking, and answering."""
    rule, seconds = RULES["import.apply"], 6.0

    def decide(*args: Any) -> Any:
        time.sleep(seconds)
        return rule.decide(*args)

    monkeypatch.setitem(RULES, rule.kind, dataclasses.replace(rule, decide=decide))
    async with centre(database_url) as c, timers(c):
        slot, (seat,) = await hall(c, 1)
        held = ok(await hold(c, slot, seat, ttl_seconds=1))["reservation_id"]
        document = Import(file="day.csv", file_hash="0" * 64, format="csv-schedule")
        file = asyncio.create_task(c.submit("import.apply", msgspec.to_builtins(Args(document=document))))

        async def ended() -> bool:
            claim = "SELECT claim = 'expired' FROM slot_reservations WHERE id = $1::text::uuid"
            return bool(await c.sql.fetchval(claim, held))

        await until(ended, 5)
        assert not file.done(), "it was decided meanwhile"
        ok(await file)
