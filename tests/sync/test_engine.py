"""The engine against a simulated centre in virtual time: nothing lost, nothing twice, whatever the line does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from desktop.store.desk_store import Store, Submitted, Wish
from desktop.store.diff import Diff
from desktop.store.outbox import Identity, Outbox
from desktop.store.refusals import StoreCode, StoreRefusal
from desktop.store.worker import InlineWorker
from desktop.sync.engine import STUCK_AFTER, Engine
from desktop.sync.status import Link, Status
from server_sync.protocol.commands import Envelope
from server_sync.protocol.ids import Id, derived_id, new_id
from server_sync.protocol.records import Attendance, EventSlot, SlotReservation
from server_sync.rules import attend, cancel, move, reserve
from tests.sync.simulated_server import SimulatedServer
from tests.sync.small_day import ROOT, SmallDay, small_day
from tests.sync.virtual_time import SeededRandom, VirtualClock


@dataclass
class Desk:
    """One desk with its engine running."""

    folder: Path
    clock: VirtualClock
    server: SimulatedServer
    name: str = "Desk 1"
    seed: int = 1
    statuses: list[Status] = field(default_factory=list)
    diffs: list[Diff] = field(default_factory=list)

    @property
    def identity(self) -> Identity:
        """Who it is."""
        return Identity(
            device=derived_id(ROOT, self.name), name=self.name, ceiling="admin", programme=ROOT,
            programme_name="Spring Festival", practice=False, server="http://localhost",
        )  # fmt: skip

    async def start(self) -> None:
        """Open the files and run the engine."""
        store = await Store.open(self.folder / "outbox.db", self.folder / "cache.db", InlineWorker(), self.clock.now)
        assert isinstance(store, Store)
        self.store = store
        if store.identity is None:
            assert await store.enrol(self.identity) is None
        store.subscribe(self.diffs.append)
        remote = self.server.for_device(self.identity.device)
        self.engine = Engine(store, remote, self.clock, SeededRandom(self.seed), self.statuses.append)
        self.task = asyncio.create_task(self.engine.run())

    async def stop(self) -> None:
        """Stop as a person would."""
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
        await self.store.close()

    async def do(self, wish: Wish) -> Id:
        """Ask for something."""
        done = await self.store.submit(wish)
        assert isinstance(done, Submitted)
        return done.id

    async def check_in(self, claim: Id) -> Id:
        """Somebody came."""
        return await self.do(Wish("attendance.arrive", attend.Args(reservation_id=claim)))

    @property
    def settled(self) -> bool:
        """Whether it is online, whole, and nothing waits."""
        status = self.engine.status
        return status.link is Link.ONLINE and status.waiting == 0 and status.whole

    def equal(self) -> bool:
        """Whether it shows exactly what the centre has."""
        replica = self.store._replica
        assert replica is not None
        mine = {(record, id): row for record, rows in replica.state.rows.items() for id, row in rows.items()}
        return mine == self.server.rows()


@asynccontextmanager
async def running(desk: Desk) -> AsyncIterator[Desk]:
    """The desk with its first copy."""
    await desk.start()
    try:
        await desk.clock.run_until(lambda: desk.settled)
        yield desk
    finally:
        await desk.stop()


@pytest.fixture
def day() -> SmallDay:
    """A small day."""
    return small_day(rooms=2, slots=6, people=14, claims=10)


@pytest.fixture
def clock() -> VirtualClock:
    """Virtual time."""
    return VirtualClock()


@pytest.fixture
async def desk(tmp_path: Path, day: SmallDay, clock: VirtualClock) -> AsyncIterator[Desk]:
    """A desk, online and whole."""
    async with running(Desk(tmp_path, clock, SimulatedServer(day, clock.true_now))) as desk:
        yield desk


async def test_bootstrap_shows_everything_with_progress(desk: Desk) -> None:
    """The first copy comes in pages, says how far it is, and is whole."""
    assert desk.equal()
    progress = [status.filling for status in desk.statuses if status.filling is not None]
    assert len(progress) >= 3
    assert progress[-1][0] == progress[-1][1]


async def test_bootstrap_goes_on_where_it_was(tmp_path: Path, day: SmallDay, clock: VirtualClock) -> None:
    """A cut page or a restart in the middle costs that page and no other."""
    server = SimulatedServer(day, clock.true_now)
    server.faults.pages_left = 2
    desk = Desk(tmp_path, clock, server)
    await desk.start()
    await clock.run_until(lambda: desk.engine.status.link is Link.OFFLINE)
    await desk.stop()
    done = desk.engine.status.filling
    assert done is not None
    again = Desk(tmp_path, clock, server)
    server.faults.offline, server.faults.pages_left = False, None
    server.faults.cut_pages = 1
    async with running(again):
        progress = [status.filling for status in again.statuses if status.filling is not None]
        assert progress[0][0] > done[0]
        assert again.equal()


async def test_check_in_travels_and_is_confirmed_without_flicker(desk: Desk, day: SmallDay) -> None:
    """The arrival is there at once, pending; the verdict makes it confirmed in a single step."""
    id = await desk.check_in(day.claims[0])
    assert desk.engine.status.waiting == 1
    fact = derived_id(id, day.people[0])
    seen = [change for diff in desk.diffs for change in diff.rows if change.id == fact]
    assert seen[0].pending == {id}
    assert await desk.clock.run_until(lambda: desk.settled) < 5
    seen = [change for diff in desk.diffs for change in diff.rows if change.id == fact]
    assert all(change.row is not None for change in seen)
    assert seen[-1].pending == frozenset()
    assert desk.equal()


async def test_offline_then_healed(desk: Desk, day: SmallDay) -> None:
    """Thirty actions without the line: all there after it, once each, in order."""
    desk.server.faults.offline = True
    await desk.check_in(day.claims[0])
    await desk.clock.run_until(lambda: desk.engine.status.link is Link.OFFLINE)
    asked = [desk.store._outbox.all()[0].id] + [await desk.check_in(claim) for claim in (day.claims * 3)[:30]]
    await desk.clock.run_for(300)
    desk.server.faults.offline = False
    took = await desk.clock.run_until(lambda: desk.settled)
    assert took <= 30
    assert desk.server.decided == asked
    assert desk.equal()


async def test_lost_answers_do_not_double(desk: Desk, day: SmallDay) -> None:
    """The centre decided, the answer got lost: sent again, it is answered as before."""
    desk.server.faults.lose_replies = 3
    for claim in day.claims[:5]:
        await desk.check_in(claim)
    await desk.clock.run_until(lambda: desk.settled)
    assert len(desk.server.decided) == 5
    assert len(set(desk.server.decided)) == 5
    assert desk.equal()


async def test_a_cut_pull_is_not_applied(desk: Desk, day: SmallDay) -> None:
    """An answer without its end changes nothing; the next one brings it all."""
    cursor = desk.store.cursor
    desk.server.faults.cut_pulls = 2
    desk.server.submit(_envelope("attendance.arrive", attend.Args(reservation_id=day.claims[1])), None, "Desk 2")
    await desk.clock.run_until(lambda: desk.server.faults.cut_pulls == 1)
    assert desk.store.cursor == cursor
    await desk.clock.run_until(lambda: desk.equal())


async def test_a_delta_that_does_not_follow_is_refused(desk: Desk, day: SmallDay) -> None:
    """Only what begins at this desk's own cursor is applied."""
    desk.server.faults.wrong_from = 1
    desk.server.submit(_envelope("attendance.arrive", attend.Args(reservation_id=day.claims[1])), None, "Desk 2")
    await desk.clock.run_until(lambda: desk.server.faults.wrong_from == 0)
    assert not desk.equal()
    await desk.clock.run_until(lambda: desk.equal())


async def test_a_refusal_stands_until_somebody_settles_it(
    desk: Desk, day: SmallDay, tmp_path: Path, clock: VirtualClock
) -> None:
    """The last place goes to another while offline: the no reaches this desk, survives a restart, and waits."""
    free = _free_slot(desk)
    desk.server.faults.offline = True
    asked = await desk.do(Wish("reservation.move", move.Args(reservation_id=day.claims[0], slot_id=free)))
    taken = _envelope("reservation.reserve", reserve.Args(slot_id=free, participant_ids=[day.people[-1]]))
    assert desk.server.submit(taken, None, "Desk 2").status == "applied"
    desk.server.faults.offline = False
    await clock.run_until(lambda: desk.settled)
    await desk.stop()
    again = Desk(tmp_path, clock, desk.server)
    async with running(again):
        state = next(command for command in (await again.store.everything()).commands if command.id == asked)
        assert state.result is not None
        assert (state.status, state.result.code, state.needs_attention) == ("rejected", "SLOT_FULL", True)
        await again.store.resolve(asked, "accepted")
        state = next(command for command in (await again.store.everything()).commands if command.id == asked)
        assert not state.needs_attention
    await desk.start()


async def test_a_fork_begins_a_new_incarnation(desk: Desk, day: SmallDay) -> None:
    """A copied profile: the centre has other commands under these numbers. Same ids, new incarnation, all decided."""
    device = desk.identity.device
    desk.server.cursors[device] = (1, 7)
    ids = [await desk.check_in(claim) for claim in day.claims[:3]]
    await desk.clock.run_until(lambda: desk.settled)
    assert desk.store.incarnation == 2
    assert desk.server.decided == ids
    assert desk.server.cursors[device] == (2, 3)


async def test_a_gap_is_filled(desk: Desk, day: SmallDay) -> None:
    """The centre knows less than this desk thought: it goes back to what is wanted."""
    await desk.check_in(day.claims[0])
    await desk.clock.run_until(lambda: desk.settled)
    desk.engine._pusher._next = 5
    await desk.check_in(day.claims[1])
    await desk.clock.run_until(lambda: len(desk.server.decided) == 2, within=400)


async def test_a_restored_server_is_told_everything_again(desk: Desk, day: SmallDay) -> None:
    """The backup is older than what was acknowledged: the cache is fetched anew, every command offered again."""
    ids = [await desk.check_in(claim) for claim in day.claims[:4]]
    await desk.clock.run_until(lambda: desk.settled)
    desk.server.restore()
    await desk.clock.run_until(lambda: len(desk.server.decided) == 4)
    await desk.clock.run_until(lambda: desk.settled)
    assert desk.server.decided == ids
    assert desk.store.incarnation == 2
    assert desk.equal()


async def test_denied_pauses_and_keeps_everything(desk: Desk, day: SmallDay) -> None:
    """A revoked token stops the sending, says so, and drops nothing."""
    desk.server.faults.denied = True
    await desk.check_in(day.claims[0])
    await desk.clock.run_until(lambda: desk.engine.status.link is Link.PAUSED)
    assert desk.engine.status.detail == "This desk was revoked."
    await desk.clock.run_for(400)
    assert desk.engine.status.waiting == 1
    desk.server.faults.denied = False
    await desk.clock.run_until(lambda: desk.settled)


async def test_retry_after_and_halving(desk: Desk, day: SmallDay) -> None:
    """Busy: not before it said. A fault: half as many at once, and in the end all."""
    desk.server.faults.offline = True
    for claim in day.claims * 10:
        await desk.check_in(claim)
    await desk.clock.run_until(lambda: desk.engine.status.link is Link.OFFLINE)
    desk.server.faults.offline, desk.server.faults.server_errors = False, 2
    await desk.clock.run_until(lambda: desk.settled)
    assert max(desk.server.pushes) <= 50
    assert desk.server.pushes[0] < 50
    desk.server.faults.busy = 1
    began = desk.clock.seconds
    await desk.check_in(day.claims[0])
    count = len(desk.server.pushes)
    await desk.clock.run_until(lambda: len(desk.server.pushes) > count)
    assert desk.clock.seconds - began >= 7


async def test_a_server_that_retries_is_asked_again(desk: Desk, day: SmallDay) -> None:
    """``retry`` is no verdict."""
    desk.server.faults.retries = 3
    await desk.check_in(day.claims[0])
    await desk.clock.run_until(lambda: desk.settled)
    assert len(desk.server.decided) == 1


async def test_stuck_is_noticed(desk: Desk, day: SmallDay) -> None:
    """Online, something waits, and nothing settles: after three minutes it starts again, and says so."""
    desk.engine._pusher._next = 10**6  # as if the engine had forgotten what it still has to send
    await desk.check_in(day.claims[0])
    took = await desk.clock.run_until(lambda: desk.settled)
    assert STUCK_AFTER <= took <= STUCK_AFTER + 30
    assert any("stuck" in status.detail for status in desk.statuses)


async def test_looking_leaves_nothing_behind(desk: Desk) -> None:
    """A day of looking whether the flights are stuck adds nothing to them."""
    await desk.clock.run_for(300)
    flights = desk.engine._flights
    assert flights is not None
    assert len(flights._callbacks) <= 3


@pytest.mark.expects_log("syncing stopped")
async def test_a_fault_stops_nothing_for_good(desk: Desk, day: SmallDay, monkeypatch: pytest.MonkeyPatch) -> None:
    """Something raises in the middle of a flight: said, logged, and begun again by itself."""

    async def broken() -> object:
        raise RuntimeError("a fault")

    monkeypatch.setattr(desk.engine._pusher, "push", broken)
    await desk.check_in(day.claims[0])
    await desk.clock.run_until(lambda: desk.engine.status.link is Link.STOPPED)
    assert "Nothing is lost" in desk.engine.status.detail
    monkeypatch.undo()
    await desk.clock.run_until(lambda: desk.settled)
    assert len(desk.server.decided) == 1


async def test_a_disk_that_is_held_is_said_and_waited_for(
    desk: Desk, day: SmallDay, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The outbox can't be read for a while: trouble in words, and then everything is sent."""

    async def held() -> StoreRefusal:
        return StoreRefusal(StoreCode.BUSY, desk.folder / "outbox.db")

    monkeypatch.setattr(desk.store, "unsettled", held)
    await desk.check_in(day.claims[0])
    await desk.clock.run_until(lambda: desk.engine.status.link is Link.TROUBLE)
    assert "Another program holds" in desk.engine.status.detail
    monkeypatch.undo()
    await desk.clock.run_until(lambda: desk.settled)


async def test_a_push_that_is_refused_is_trouble_though_pulls_go_well(desk: Desk, day: SmallDay) -> None:
    """Not "online" while nothing that was asked here gets through; fresh all the same."""
    desk.server.faults.refused_pushes = 3
    await desk.check_in(day.claims[0])
    await desk.clock.run_until(lambda: desk.engine.status.link is Link.TROUBLE)
    fresh, refused = desk.engine.status.fresh_at, desk.server.faults.refused_pushes
    assert "does not answer like" in desk.engine.status.detail
    assert fresh is not None
    await desk.clock.run_until(lambda: (desk.engine.status.fresh_at or fresh) > fresh)
    assert desk.engine.status.link is Link.TROUBLE or desk.server.faults.refused_pushes < refused
    await desk.clock.run_until(lambda: desk.settled)
    assert Link.ONLINE not in {status.link for status in desk.statuses if status.detail}


async def test_a_server_with_a_fault_is_trouble(desk: Desk) -> None:
    """It answers, with a 500: neither online nor offline."""
    desk.server.faults.server_errors = 2
    await desk.clock.run_until(lambda: desk.engine.status.link is Link.TROUBLE)
    assert desk.engine.status.detail == "The server has a fault."
    await desk.clock.run_until(lambda: desk.settled)


async def test_a_revoked_desk_says_so(desk: Desk, day: SmallDay) -> None:
    """Told apart from a server that merely says no."""
    desk.server.faults.revoked = True
    await desk.check_in(day.claims[0])
    await desk.clock.run_until(lambda: desk.engine.status.link is Link.REVOKED)
    assert desk.engine.status.detail == "This desk was taken off."


async def test_forks_without_end_are_no_spin(desk: Desk, day: SmallDay) -> None:
    """One fork is mended at once; more of them wait longer and longer, and at last all is sent."""
    desk.server.faults.forks = 6
    await desk.check_in(day.claims[0])
    began = desk.clock.seconds
    await desk.clock.run_until(lambda: desk.settled)
    assert len(desk.server.pushes) == 7
    assert desk.clock.seconds - began > 5
    assert any(status.link is Link.TROUBLE for status in desk.statuses)
    assert len(desk.server.decided) == 1


async def test_why_it_fetches_anew_is_not_forgotten(desk: Desk, day: SmallDay, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk is full just when the server turns out restored: once there is room, all is offered again."""
    ids = [await desk.check_in(claim) for claim in day.claims[:2]]
    await desk.clock.run_until(lambda: desk.settled)
    asked: list[bool] = []

    async def full(anew: bool) -> StoreRefusal:
        asked.append(anew)
        return StoreRefusal(StoreCode.DISK_FULL, desk.folder / "cache.db")

    monkeypatch.setattr(desk.store, "begin_filling", full)
    desk.server.restore()
    await desk.clock.run_until(lambda: len(asked) >= 3)
    assert set(asked) == {True}
    assert "disk is full" in desk.engine.status.detail
    monkeypatch.undo()
    await desk.clock.run_until(lambda: len(desk.server.decided) == 2)
    await desk.clock.run_until(lambda: desk.settled and desk.equal())
    assert desk.server.decided == ids


async def test_the_clock_offset_is_measured(tmp_path: Path, day: SmallDay) -> None:
    """A laptop two minutes ahead: commands carry both times, and the arrival is at the true one."""
    clock = VirtualClock(skew=timedelta(minutes=2))
    server = SimulatedServer(day, clock.true_now)
    async with running(Desk(tmp_path, clock, server)) as desk:
        assert desk.engine.status.clock_offset_ms == -120_000
        id = await desk.check_in(day.claims[0])
        fact = desk.store._replica
        assert fact is not None
        assert fact.state.rows[Attendance][derived_id(id, day.people[0])].occurred_at == clock.true_now()


async def test_two_desks_agree(tmp_path: Path, day: SmallDay, clock: VirtualClock) -> None:
    """Both check in the same person, one of them offline; both end with the same rows."""
    server = SimulatedServer(day, clock.true_now)
    (tmp_path / "1").mkdir()
    (tmp_path / "2").mkdir()
    async with (
        running(Desk(tmp_path / "1", clock, server)) as one,
        running(Desk(tmp_path / "2", clock, server, "Desk 2", 2)) as two,
    ):
        await one.check_in(day.claims[0])
        await two.check_in(day.claims[0])
        await two.do(Wish("reservation.cancel", cancel.Args(reservation_id=day.claims[1])))
        await clock.run_until(lambda: one.settled and two.settled and one.equal() and two.equal())


@settings(max_examples=25, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), steps=st.lists(st.sampled_from("cccmxolstbr"), min_size=5, max_size=40))
def test_any_trouble_ends_in_agreement(seed: int, steps: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    """Random actions and faults, restarts too: at the end every command has one verdict and the rows are equal."""
    asyncio.run(_trouble(seed, steps, tmp_path_factory.mktemp("desk")))


async def _trouble(seed: int, steps: list[str], folder: Path) -> None:
    day, clock = small_day(rooms=2, slots=6, people=14, claims=10), VirtualClock()
    server = SimulatedServer(day, clock.true_now)
    desk = Desk(folder, clock, server, seed=seed)
    await desk.start()
    await clock.run_until(lambda: desk.settled)
    random = SeededRandom(seed)
    asked: list[Id] = []
    for step in steps:
        claim = day.claims[int(random.uniform(0, len(day.claims)))]
        if step == "c":
            asked.append(await desk.check_in(claim))
        elif step == "m":
            slot = day.slots[int(random.uniform(0, len(day.slots)))]
            asked.append(await desk.do(Wish("reservation.move", move.Args(reservation_id=claim, slot_id=slot))))
        elif step == "x":
            server.submit(_envelope("reservation.cancel", cancel.Args(reservation_id=claim)), None, "Desk 2")
        elif step == "r":
            await desk.stop()
            desk = Desk(folder, clock, server, seed=seed)
            await desk.start()
        else:
            _break(server, step)
        await clock.run_for(random.uniform(0.1, 10))
    server.faults.offline = False
    await clock.run_until(lambda: desk.settled and desk.equal())
    await desk.stop()
    own = [id for id in server.decided if id in server.owner]
    assert own == asked


def _break(server: SimulatedServer, step: str) -> None:
    faults = server.faults
    if step == "o":
        faults.offline = not faults.offline
    elif step == "l":
        faults.lose_replies += 1
    elif step == "s":
        faults.server_errors += 1
    elif step == "t":
        faults.cut_pulls += 1
    elif step == "b":
        faults.busy += 1


def _envelope(kind: str, args: msgspec.Struct) -> Envelope:
    return Envelope(id=new_id(), kind=kind, args=msgspec.Raw(msgspec.json.encode(args)))


def _free_slot(desk: Desk) -> Id:
    taken = {row.slot_id for row in desk.server.state.rows[SlotReservation].values()}
    return next(id for id in desk.server.state.rows[EventSlot] if id not in taken)


def test_refusals_are_worded() -> None:
    """A profile that cannot be opened says what to do."""
    refused = Outbox.open(Path("/dev/null/outbox.db"))
    assert isinstance(refused, StoreRefusal)
    assert refused.words
