"""Seats and holds on a real database: races as arithmetic, statements counted, and the timer that one process keeps."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from server_sync.authority import session
from server_sync.authority.feed import Feed, Follower, Page
from server_sync.protocol.commands import Line
from server_sync.protocol.errors import SEATS_TAKEN, SLOT_FULL
from server_sync.protocol.ids import Id, derived_id, new_id
from server_sync.protocol.records import Seat, SlotSeat
from tests.authority.centre import Centre, centre, code, ok
from tests.authority.test_races import verdicts

_LINE = msgspec.json.Decoder(Line)


async def hall(c: Centre, count: int, rows: int = 1) -> tuple[Id, list[Id]]:
    """A slot to come of *rows* rows of *count* seats each, and the ids of its seats from the front."""
    (slot,) = await c.slots(start=datetime.now(UTC) + timedelta(days=1))
    room = await c.sql.fetchval("SELECT location_id::text FROM event_slots WHERE id = $1", slot)
    made = new_id()
    seats = [{"row": chr(65 + row), "number": n} for row in range(rows) for n in range(1, count + 1)]
    ok(await c.submit("seats.create", {"location_id": room, "seats": seats}, id=made))
    ok(await c.submit("slot.open_seats", {"slot_id": slot}))
    return slot, [derived_id(made, f"{seat['row']}-{seat['number']}") for seat in seats]


async def hold(c: Centre, slot: Id, *seats: Id, at: int = 0, **args: Any) -> Any:
    """Ask for a hold."""
    asked = {"slot_id": slot, "seat_ids": seats, "reserved_name": "Somebody", **args}
    return await c.submit("reservation.hold", asked, at=at)


async def taken(c: Centre, slot: Id) -> Counter[str]:
    """How many seats of the slot each claim has; every seat that is taken is somebody's who still has a claim."""
    rows = await c.sql.fetch(
        "SELECT s.reservation_id::text, r.claim, s.state FROM slot_seats s JOIN slot_reservations r"
        " ON r.id = s.reservation_id WHERE s.slot_id = $1",
        slot,
    )
    assert {(row[1], row[2]) for row in rows} <= {("held", "held"), ("reserved", "booked")}
    return Counter(row[0] for row in rows)


async def spots(c: Centre, slot: Id) -> dict[str, int]:
    """How many places each live claim on the slot takes."""
    rows = await c.sql.fetch(
        "SELECT id::text, spots FROM slot_reservations WHERE slot_id = $1 AND claim IN ('held', 'reserved')", slot
    )
    return dict(rows)


async def deadlocks(c: Centre) -> int:
    """How many the database has seen."""
    found: int = await c.sql.fetchval("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
    return found


# ----------------------------------------------------------------------- races


async def crossing(c: Centre, pairs: int) -> tuple[list[list[str]], Id]:
    """For each pair two holds at once that want one seat in common, named in opposite orders; there are more seats."""
    slot, seats = await hall(c, 4 * pairs)
    asked = []
    for n in range(pairs):
        left, middle, right = seats[4 * n : 4 * n + 3]
        asked += [hold(c, slot, left, middle, at=0), hold(c, slot, right, middle, at=1)]
    results = await verdicts(c, [slot], asked)
    return [sorted(results[2 * n : 2 * n + 2]) for n in range(pairs)], slot


async def test_of_two_holds_that_cross_one_wins(database_url: str) -> None:
    async with centre(database_url, 2, lanes=2) as c:
        results, slot = await crossing(c, 40)
        assert results == [[SEATS_TAKEN, "applied"]] * 40
        assert await taken(c, slot) == await spots(c, slot)
        assert await c.counts(slot) == (80, 80)
        assert await deadlocks(c) == 0


async def test_without_locks_both_believe_that_they_hold_the_seat(database_url: str) -> None:
    async with centre(database_url, 2, locking=False) as c:
        for _ in range(5):
            results, slot = await crossing(c, 1)
            assert results == [["applied", "applied"]]
            assert sorted((await taken(c, slot)).values()) == [1, 2], "one of them has lost a seat and was not told"
            assert sorted((await spots(c, slot)).values()) == [2, 2]


async def rush(c: Centre) -> tuple[Counter[str], Id]:
    """Two hundred ask for one of twenty seats, whichever is best."""
    slot, _ = await hall(c, 10, rows=2)
    return Counter(await verdicts(c, [slot], [hold(c, slot, at=n % 2) for n in range(200)])), slot


async def test_twenty_seats_for_two_hundred(database_url: str) -> None:
    async with centre(database_url, 2, lanes=2) as c:
        said, slot = await rush(c)
        assert said == {"applied": 20, SLOT_FULL: 180}
        assert sorted((await taken(c, slot)).values()) == [1] * 20
        assert await c.counts(slot) == (20, 20)


async def test_twenty_seats_without_lock_and_check_are_held_twice(database_url: str) -> None:
    async with centre(database_url, 2, lanes=2, locking=False) as c:
        await c.sql.execute("ALTER TABLE event_slots DROP CONSTRAINT ck_event_slots_within_capacity")
        said, slot = await rush(c)
        assert said == {"applied": 40, SLOT_FULL: 160}
        assert len(await taken(c, slot)) == 20


async def confirmed_or_expired(c: Centre, late: bool) -> tuple[list[str], Id]:
    """A hold's confirmation comes in time and waits for the lock; the timer's command comes when the time is over."""
    slot, (seat, *_) = await hall(c, 2)
    id = ok(await hold(c, slot, seat, ttl_seconds=1))["reservation_id"]
    over = time.monotonic() + 1.1
    async with c.held(slot) as holder:
        await holder.execute("SELECT 1 FROM slot_reservations WHERE id = $1 FOR UPDATE", id)
        confirm = asyncio.create_task(c.submit("reservation.confirm", {"reservation_id": id}, at=0))
        await c.waiting_backends()
        if late:
            await asyncio.sleep(over - time.monotonic())
            expire = asyncio.create_task(c.submit("hold.expire", {"reservation_ids": [id]}, at=1))
            await c.waiting_backends(2)
    if not late:
        said = [code(await confirm)]
        await asyncio.sleep(over - time.monotonic())
        return [*said, code(await c.submit("hold.expire", {"reservation_ids": [id]}, at=1))], slot
    return [code(await confirm), code(await expire)], slot


@pytest.mark.parametrize(
    ("late", "said", "seat"), [(False, ["applied", "NOT_HELD"], 1), (True, ["HOLD_EXPIRED", "applied"], 0)]
)
async def test_expiry_against_confirmation(database_url: str, late: bool, said: list[str], seat: int) -> None:
    async with centre(database_url, 2) as c:
        result, slot = await confirmed_or_expired(c, late)
        assert result == said
        assert len(await taken(c, slot)) == seat
        assert await c.counts(slot) == (seat, seat)


async def test_without_locks_it_is_confirmed_and_expired(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(session.BRIEF, "lock_timeout", "3s")
    async with centre(database_url, 2, locking=False) as c:
        result, _ = await confirmed_or_expired(c, late=True)
        assert result == ["applied", "applied"]


async def test_either_order_of_everything_is_free_of_deadlocks(database_url: str) -> None:
    """Holds, confirmations, cancellations and expiries of the same seats and slots, named in opposite orders."""
    async with centre(database_url, 2, lanes=2) as c:
        halls = [await hall(c, 8) for _ in range(3)]
        claims = [
            ok(await hold(c, slot, seats[2 * n], seats[2 * n + 1], ttl_seconds=1))["reservation_id"]
            for slot, seats in halls
            for n in range(3)
        ]
        await asyncio.sleep(1.1)
        asked = []
        for slot, seats in halls:
            asked += [hold(c, slot, *seats[:6], at=0), hold(c, slot, *reversed(seats[:6]), at=1)]
        for n, id in enumerate(claims):
            asked += [
                c.submit("reservation.cancel", {"reservation_id": id}, at=n % 2),
                c.submit("reservation.confirm", {"reservation_id": id}, at=1 - n % 2),
            ]
        asked += [
            c.submit("hold.expire", {"reservation_ids": claims}, at=0),
            c.submit("hold.expire", {"reservation_ids": claims[::-1]}, at=1),
        ]
        said = Counter(await verdicts(c, [slot for slot, _ in halls], asked))
        assert set(said) <= {"applied", SEATS_TAKEN, "HOLD_EXPIRED", "NOT_LIVE", "NOT_HELD"}
        for slot, _ in halls:
            assert await taken(c, slot) == await spots(c, slot)
            assert sorted((await taken(c, slot)).values()) == [6]
        assert await deadlocks(c) == 0


# --------------------------------------------------------- what it costs, sees


@asynccontextmanager
async def statements(c: Centre) -> AsyncIterator[list[str]]:
    """Every statement that the first authority's batches send within the block."""
    sent: list[str] = []

    def note(record: Any) -> None:
        sent.append(record.query)

    async with c.authority._lanes.main._pool.acquire() as connection:
        connection.add_query_logger(note)  # type: ignore[attr-defined]
    yield sent


async def test_a_hundred_seats_take_as_many_statements_as_one(database_url: str) -> None:
    async with centre(database_url) as c:
        slot, seats = await hall(c, 50, rows=8)
        ok(await hold(c, slot, seats[399]))
        async with statements(c) as sent:
            ok(await hold(c, slot, seats[0]))
            one = list(sent)
            sent.clear()
            ok(await hold(c, slot, *seats[100:200]))
            hundred = list(sent)
        assert len(one) == len(hundred) <= 8, hundred
        assert sorted((await taken(c, slot)).values()) == [1, 1, 100]


async def test_a_hundred_seats_whose_holds_ran_out(database_url: str) -> None:
    """A hundred claims end and one begins: as many statements as for two."""
    async with centre(database_url) as c:
        slot, seats = await hall(c, 60, rows=2)
        for few in (seats[:2], seats[:100]):
            for seat in few:
                ok(await hold(c, slot, seat, ttl_seconds=1))
            await asyncio.sleep(1.1)
            async with statements(c) as sent:
                id = ok(await hold(c, slot, *few))["reservation_id"]
            assert len(sent) <= 14, sent
            ok(await c.submit("reservation.cancel", {"reservation_id": id}))
        assert await c.counts(slot) == (0, 0)


async def test_a_desk_receives_seats_and_who_has_them(database_url: str) -> None:
    async with centre(database_url) as c:
        slot, seats = await hall(c, 3)
        id = ok(await hold(c, slot, seats[1]))["reservation_id"]
        desk = await c.desk()
        follower = Follower.of(desk.principal)
        assert follower is not None
        feed = Feed(c.authority.pool)
        page = await feed.bootstrap(follower, None)
        assert isinstance(page, Page)
        before = _rows(page.body())
        assert [(row.row, row.number) for row in before[Seat.TABLE]] == [("A", 1), ("A", 2), ("A", 3)]
        states = {row.seat_id: (row.state, row.reservation_id) for row in before[SlotSeat.TABLE]}
        assert states == {seats[0]: ("available", None), seats[1]: ("held", id), seats[2]: ("available", None)}
        ok(await c.submit("reservation.confirm", {"reservation_id": id}))
        assert page.end.cursor is not None
        delta: Any = await feed.pull(follower, page.end.cursor)
        (changed,) = _rows(delta.body())[SlotSeat.TABLE]
        assert (changed.seat_id, changed.state, changed.held_until) == (seats[1], "booked", None)
        await feed.close()


def _rows(body: bytes) -> dict[str, list[Any]]:
    """The rows of seats in an answer of the feed."""
    found: dict[str, list[Any]] = {}
    for text in body.split(b"\n")[1:-1]:
        line = _LINE.decode(text)
        for record in (Seat, SlotSeat):
            if line.put is not None and line.put[0] == record.TABLE:
                found.setdefault(record.TABLE, []).append(msgspec.json.decode(line.put[1], type=record))
    for rows in found.values():
        rows.sort(key=lambda row: (getattr(row, "number", 0), row.id))
    return found


async def test_some_thousand_seats(database_url: str) -> None:
    """A house of 4000 is made, opened and sold from without anybody waiting long."""
    async with centre(database_url) as c:
        started = time.monotonic()
        slot, seats = await hall(c, 160, rows=25)
        made = time.monotonic()
        results = await asyncio.gather(*(hold(c, slot, guests=3) for _ in range(50)))
        held = time.monotonic()
        assert {code(result) for result in results} == {"applied"}
        assert await c.counts(slot) == (200, 200)
        assert await taken(c, slot) == await spots(c, slot)
        assert made - started < 15
        assert held - made < 15
        again = [{"row": "A", "number": 1}, {"row": "Z", "number": 1}]
        room = await c.sql.fetchval("SELECT location_id::text FROM event_slots WHERE id = $1", slot)
        refused: Any = await c.submit("seats.create", {"location_id": room, "seats": again})
        assert (code(refused), refused.details["seats"]) == ("ALREADY_EXISTS", ["A-1"])
        assert len(seats) == await c.sql.fetchval("SELECT count(*) FROM slot_seats WHERE slot_id = $1", slot)


async def test_a_seat_retired_while_somebody_wants_it(database_url: str) -> None:
    """Either it is held and stays, or it is gone and can't be held."""
    async with centre(database_url, 2) as c:
        slot, seats = await hall(c, 21)
        asked = []
        for seat in seats[:20]:
            asked += [hold(c, slot, seat, at=0), c.submit("seats.retire", {"seat_ids": [seat]}, at=1)]
        results = await verdicts(c, [slot], asked)
        pairs = {tuple(results[2 * n : 2 * n + 2]) for n in range(20)}
        assert pairs <= {("applied", SEATS_TAKEN), ("NOT_FOUND", "applied")}
        left = await c.sql.fetchval("SELECT count(*) FROM slot_seats WHERE slot_id = $1 AND deleted IS NOT TRUE", slot)
        capacity = await c.sql.fetchval("SELECT capacity FROM event_slots WHERE id = $1", slot)
        assert left == capacity == 1 + results.count(SEATS_TAKEN)
