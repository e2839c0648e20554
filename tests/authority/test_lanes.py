"""Who waits for whom: whoever wants a row that somebody else keeps waits for it, and nobody waits with them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from typing import Any

import pytest

from server_sync.authority import lanes
from server_sync.authority.batch import Batch
from server_sync.authority.lanes import Aside
from server_sync.authority.runs import Run
from server_sync.protocol.errors import BUSY
from server_sync.protocol.records import EventSlot
from tests.authority.centre import ROOT, centre, code, codes, ok

SOON = 0.5
"""Seconds after which whoever wants a kept row has stepped aside: a batch waits a fifth of a second for a lock."""

IN_TIME = 4.0
"""Seconds within which a stranger is answered, on however slow a machine: whoever waits for a kept row does for ten."""


async def within(seconds: float, asked: list[Coroutine[Any, Any, Any]]) -> list[str]:
    """What each of those is answered who asked at once; too late fails the test."""
    started = time.monotonic()
    said = [code(result) for result in await asyncio.gather(*asked)]
    took = time.monotonic() - started
    assert took < seconds, f"{took:.2f} s"
    return said


@pytest.mark.parametrize("commands", ["reserve", "mixed"])
async def test_strangers_do_not_wait_for_a_row_that_somebody_keeps(database_url: str, commands: str) -> None:
    async with centre(database_url) as c:
        kept, *free = await c.slots(33, capacity=5)
        people = await c.people(65)
        ids = [ok(await c.reserve(slot, person))["reservation_id"] for slot, person in zip(free, people, strict=False)]
        later = people[len(free) :]
        moves = [c.submit("reservation.move", {"reservation_id": id, "slot_id": free[0]}) for id in ids[1:3]]
        strangers = [c.reserve(slot, person) for slot, person in zip(free[:30], later, strict=False)]
        async with c.held(kept):
            stuck = asyncio.create_task(c.reserve(kept, people[-1]))
            await asyncio.sleep(0)
            if commands == "mixed":
                strangers += moves
            else:
                for move in moves:
                    move.close()
            assert set(await within(IN_TIME, strangers)) == {"applied"}
            again = [c.submit("group.create", {"name": f"Choir {n}"}) for n in range(20)]
            assert set(await within(IN_TIME, again)) == {"applied"}
            assert not stuck.done()
        ok(await stuck)
        assert await c.counts(kept) == (1, 1)


async def test_several_rows_are_kept_and_their_runs_wait_apart_from_each_other(database_url: str) -> None:
    async with centre(database_url) as c:
        one, two, free = await c.slots(3, capacity=5)
        people = await c.people(6)
        async with c.held(one):
            async with c.held(two):
                stuck = [asyncio.create_task(c.reserve(slot, people[n])) for n, slot in enumerate((one, two, one, two))]
                assert await within(IN_TIME, [c.reserve(free, people[4])]) == ["applied"]
            done, _ = await asyncio.wait(stuck, timeout=3, return_when=asyncio.ALL_COMPLETED)
            assert done == {stuck[1], stuck[3]}
        for task in stuck:
            ok(await task)


async def test_patience_ends(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "PATIENCE_SECONDS", 0.5)
    async with centre(database_url) as c:
        kept, free = await c.slots(2, capacity=5)
        people = await c.people(3)
        async with c.held(kept):
            assert await within(3, [c.reserve(kept, people[0])]) == [BUSY]
            assert await within(IN_TIME, [c.reserve(free, people[1])]) == ["applied"]
        ok(await c.reserve(kept, people[0]))


async def test_who_waits_for_a_row_has_it_before_who_came_later(database_url: str) -> None:
    async with centre(database_url) as c:
        (kept,) = await c.slots(capacity=2)
        people = await c.people(12)
        async with c.held(kept):
            first = [asyncio.create_task(c.reserve(kept, person)) for person in people[:2]]
            await asyncio.sleep(SOON)
            later = [asyncio.create_task(c.reserve(kept, person)) for person in people[2:]]
            await asyncio.sleep(SOON)
        assert [code(await task) for task in first] == ["applied"] * 2
        assert {code(await task) for task in later} == {"SLOT_FULL"}


async def test_what_comes_before_a_kept_row_in_a_push_is_done(database_url: str) -> None:
    async with centre(database_url) as c:
        *free, kept = await c.slots(20, capacity=5)
        people = await c.people(21)
        desk = await c.desk()
        run = [
            desk.queue("reservation.reserve", {"slot_id": slot, "participant_ids": [person]})
            for slot, person in zip([*free, kept], people, strict=False)
        ]
        async with c.held(kept):
            pushed = asyncio.create_task(desk.push(*run))
            async with asyncio.timeout(IN_TIME):
                while True:
                    if await c.sql.fetchval("SELECT count(*) FROM slot_reservations") == 19:
                        break
                    await asyncio.sleep(0.05)
            behind = asyncio.create_task(desk.push(desk.queue("group.create", {"name": "Choir"})))
            assert await within(IN_TIME, [c.reserve(free[0], people[20])]) == ["applied"]
            assert not behind.done()
        assert codes(await pushed) == ["applied"] * 20
        reply = await behind
        assert (codes(reply), reply.stop) == (["applied"], None), "a desk's pushes don't overtake each other"


class Counted(Batch):
    """A batch that notes how many commands each attempt took."""

    async def attempt(self, connection: Any, runs: Any, *more: Any) -> Any:
        """As ``Batch.attempt``."""
        ATTEMPTS.append([len(run.next) for run in runs])
        return await super().attempt(connection, runs, *more)


ATTEMPTS: list[list[int]] = []


@pytest.mark.expects_log("was stopped by a constraint only")
async def test_one_command_at_fault_in_a_push_is_found_by_halves(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twenty commands, of which the database refuses the last: nothing sound is tried again and again with it."""
    monkeypatch.setattr("server_sync.authority.session.Batch", Counted)
    async with centre(database_url) as c:
        slots = await c.slots(20, capacity=5)
        people = await c.people(20)
        await c.sql.execute("CREATE UNIQUE INDEX once ON slot_reservations (special_requirements)")
        desk = await c.desk()
        run = [
            desk.queue(
                "reservation.reserve",
                {"slot_id": slot, "participant_ids": [person], "special_requirements": f"{n % 19}"},
            )
            for n, (slot, person) in enumerate(zip(slots, people, strict=True))
        ]
        ATTEMPTS.clear()
        reply = await desk.push(*run)
    assert codes(reply)[:19] == ["applied"] * 19
    assert codes(reply)[19] == "ALREADY_EXISTS"
    by_itself = [1, 1, 1]  # stopped, stopped again, and then refused
    assert [attempt for (attempt,) in ATTEMPTS] == [20, 10, 5, 2, 1, 1, *by_itself]


async def test_a_row_that_was_kept_once_is_nobodys_detour_for_ever(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reservations of one slot keep coming: once it is let go, they step aside no more."""
    went_aside: list[float] = []
    take = Aside._take

    def noted(lane: Aside, runs: Any) -> None:
        went_aside.extend(time.monotonic() for _ in runs)
        take(lane, runs)

    monkeypatch.setattr(Aside, "_take", noted)
    async with centre(database_url) as c:
        (slot,) = await c.slots(capacity=500)
        people = await c.people(300)
        asked = []
        async with c.held(slot):
            for person in people[:100]:
                asked.append(asyncio.create_task(c.reserve(slot, person)))
                await asyncio.sleep(0.005)
        for number, person in enumerate(people[100:]):
            if number == 100:
                half = time.monotonic()
            asked.append(asyncio.create_task(c.reserve(slot, person)))
            await asyncio.sleep(0.005)
        assert {code(await task) for task in asked} == {"applied"}
        assert went_aside, "nobody had to wait"
        assert max(went_aside) < half


async def test_whose_row_is_free_again_waits_for_nobody_elses(database_url: str) -> None:
    async with centre(database_url) as c:
        long, short = await c.slots(2, capacity=50)
        people = await c.people(22)
        async with c.held(long):
            stuck = [asyncio.create_task(c.reserve(long, person)) for person in people[:2]]
            async with c.held(short):
                waiting = [asyncio.create_task(c.reserve(short, person)) for person in people[2:]]
                await asyncio.sleep(SOON)
                assert not any(task.done() for task in waiting)
            done, _ = await asyncio.wait(waiting, timeout=IN_TIME, return_when=asyncio.ALL_COMPLETED)
            assert len(done) == len(waiting)
            assert not any(task.done() for task in stuck)
        for task in (*stuck, *waiting):
            ok(await task)


async def test_whose_patience_ends_is_not_forgotten_while_others_go_on(database_url: str) -> None:
    """Beside one whose row is free, who wants a kept one is tried again once the time is over, and told."""
    async with centre(database_url) as c:
        (kept, free), now = await c.slots(2), asyncio.get_running_loop().time()
        aside = c.authority._lanes.aside
        fresh, stuck = (Run(ROOT, [], rows={(EventSlot, kept)}, waits_since=now - age) for age in (1, 60))
        ready = Run(ROOT, [], rows={(EventSlot, free)}, waits_since=now)
        async with c.held(kept):
            aside._queue.extend([fresh, stuck, ready])
            assert await aside._gather() == [stuck, ready]
            assert list(aside._queue) == [fresh]
            aside._queue.clear()
