"""The files of a desk: what was acknowledged stays, whatever happens to the disk; the cache is only a copy."""

from __future__ import annotations

import asyncio
import os
import random
import resource
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from sqlalchemy.exc import IntegrityError

from desktop.store.cache import Delta, Filling
from desktop.store.desk_store import Store, Submitted, Wish
from desktop.store.diff import Diff
from desktop.store.outbox import Outbox, Queued
from desktop.store.profile import Profile
from desktop.store.refusals import StoreCode, StoreRefusal
from desktop.store.worker import InlineWorker, ThreadWorker
from server_sync.protocol.commands import Result
from server_sync.protocol.ids import Id, new_id
from server_sync.protocol.records import Attendance, Participant
from server_sync.rules import attend, move
from tests.store.identity import identity
from tests.sync.small_day import MORNING, SmallDay, small_day

KILLS = 12


async def opened(folder: Path) -> Store:
    """The store in *folder*, working inline."""
    store = await Store.open(folder / "outbox.db", folder / "cache.db", InlineWorker(), lambda: datetime.now(UTC))
    assert isinstance(store, Store), store
    return store


def page_of(day: SmallDay) -> Delta:
    """A whole day as one page."""
    puts = [(type(row).TABLE, msgspec.Raw(msgspec.json.encode(row))) for row in day.rows]
    return Delta(cursor="c1", puts=puts)


async def fill(store: Store, day: SmallDay) -> None:
    """Fetch everything, as a bootstrap does."""
    await store.begin_filling(anew=False)
    await store.fill(page_of(day), None, len(day.rows))
    assert await store.reveal(MORNING) is None


async def run_of(store: Store, seq: int, most: int, most_bytes: int) -> list[Queued]:
    """What one push would hold."""
    run = await store.run_from(seq, most, most_bytes)
    assert not isinstance(run, StoreRefusal)
    return run


async def waiting(store: Store) -> frozenset[Id]:
    """What has no result."""
    unsettled = await store.unsettled()
    assert not isinstance(unsettled, StoreRefusal)
    return unsettled[0]


async def check_in(store: Store, claim: Id) -> Id:
    """Somebody came; it is on the disk."""
    done = await store.submit(Wish("attendance.arrive", attend.Args(reservation_id=claim)))
    assert isinstance(done, Submitted)
    return done.id


@pytest.fixture
def day() -> SmallDay:
    """A small day."""
    return small_day()


@pytest.fixture
async def store(tmp_path: Path, day: SmallDay) -> AsyncIterator[Store]:
    """An enrolled, filled store."""
    store = await opened(tmp_path)
    await store.enrol(identity())
    await fill(store, day)
    yield store
    await store.close()


# ------------------------------------------------------------------ durability


def test_what_was_acknowledged_survives_kill_9(tmp_path: Path) -> None:
    """A real process is killed at random moments; every id that it had printed is in the outbox, in order."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    moments = random.Random(seed)
    acknowledged: list[Id] = []
    for _ in range(KILLS):
        acknowledged += _killed_after(tmp_path, moments.uniform(0.0, 0.15))
    outbox = Outbox.open(tmp_path / "outbox.db")
    assert isinstance(outbox, Outbox)
    queue = outbox.all()
    kept = [queued.id for queued in queue]
    assert len(acknowledged) > KILLS
    assert [id for id in kept if id in set(acknowledged)] == acknowledged
    assert len(kept) - len(acknowledged) <= KILLS  # at most one a kill was kept and not yet said
    assert [queued.seq for queued in queue] == list(range(1, len(kept) + 1))
    outbox.close()


def _killed_after(folder: Path, seconds: float) -> list[Id]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.store.acknowledging", str(folder)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    timer = threading.Timer(seconds, lambda: process.send_signal(signal.SIGKILL))
    timer.start()
    with process, process.stdout:
        lines = process.stdout.read().split("\n")
    timer.join()
    assert process.returncode == -signal.SIGKILL
    return [line for line in lines[:-1] if line]  # without what is left of a line


async def test_the_outbox_syncs_every_commit(store: Store) -> None:
    """Set explicitly, not by luck."""
    database = store._outbox._database
    assert database.pragma("journal_mode") == "wal"
    assert database.pragma("synchronous") == 2
    assert database.pragma("fullfsync") == 1


async def test_restart_keeps_identity_queue_and_rows(store: Store, tmp_path: Path, day: SmallDay) -> None:
    """Everything is there after a clean exit, and numbering goes on."""
    first = await check_in(store, day.claims[0])
    await store.close()
    again = await opened(tmp_path)
    assert again.identity == identity()
    assert await again.unsettled() == (frozenset({first}), 1)
    second = await check_in(again, day.claims[1])
    assert [queued.id for queued in await run_of(again, 1, 50, 10**6)] == [first, second]
    whole = await again.everything()
    facts = [change for change in whole.rows if change.record is Attendance]
    assert {change.pending for change in facts} == {frozenset({first}), frozenset({second})}
    await again.close()


async def test_a_verdict_marks_and_never_deletes(store: Store, day: SmallDay) -> None:
    """The command stays as the desk's receipt; a refusal waits until somebody settles it."""
    id = await check_in(store, day.claims[0])
    told: list[Diff] = []
    store.subscribe(told.append)
    refused = Result(id=id, status="rejected", code="NOT_FOUND")
    assert await store.apply(Delta(cursor="c2", from_cursor="c1", results=[refused]), MORNING) is None
    (state,) = told[-1].commands
    assert (state.status, state.needs_attention) == ("rejected", True)
    assert all(change.row is None for change in told[-1].rows if change.record is Attendance)
    assert await store.resolve(id, "accepted") is None
    assert not told[-1].commands[0].needs_attention
    assert len(store._outbox.all()) == 1


async def test_a_run_is_bounded(store: Store, day: SmallDay) -> None:
    """At most so many commands, at most so many bytes, but always one."""
    for claim in day.claims[:5]:
        await check_in(store, claim)
    assert len(await run_of(store, 1, 3, 10**6)) == 3
    assert [queued.seq for queued in await run_of(store, 2, 50, 1)] == [2]
    assert len(await run_of(store, 1, 50, 700)) in (2, 3)


async def test_a_new_incarnation_keeps_ids_and_order(store: Store, day: SmallDay) -> None:
    """What has a result stays where it was; the rest is numbered from 1."""
    ids = [await check_in(store, claim) for claim in day.claims[:3]]
    await store.apply(Delta(cursor="c2", from_cursor="c1", results=[Result(id=ids[0], status="applied")]), MORNING)
    await store.reincarnate()
    run = await run_of(store, 1, 50, 10**6)
    assert [(queued.id, queued.seq, queued.incarnation) for queued in run] == [(ids[1], 1, 2), (ids[2], 2, 2)]
    assert all(queued.envelope.seq == queued.seq for queued in run)


async def test_enrolling_the_same_desk_again_takes_along_what_was_not_sent(store: Store, day: SmallDay) -> None:
    """A new token for the same desk: what waits is numbered anew and sent, what has a result stays where it was."""
    ids = [await check_in(store, claim) for claim in day.claims[:3]]
    await store.apply(Delta(cursor="c2", from_cursor="c1", results=[Result(id=ids[0], status="applied")]), MORNING)
    assert await store.enrol(identity()) is None
    run = await run_of(store, 1, 50, 10**6)
    assert [(queued.id, queued.seq, queued.incarnation) for queued in run] == [(ids[1], 1, 2), (ids[2], 2, 2)]
    assert await waiting(store) == set(ids[1:])
    later = await check_in(store, day.claims[3])
    assert [queued.id for queued in await run_of(store, 3, 50, 10**6)] == [later]


async def test_what_another_desk_left_is_shown_and_never_sent(store: Store, day: SmallDay, tmp_path: Path) -> None:
    """Unsent or refused under another name: neither sent nor predicted, shown until somebody resolves it."""
    ids = [await check_in(store, claim) for claim in day.claims[:3]]
    results = [Result(id=ids[0], status="applied"), Result(id=ids[1], status="rejected", code="INVALID")]
    await store.apply(Delta(cursor="c2", from_cursor="c1", results=results), MORNING)
    assert await store.enrol(msgspec.structs.replace(identity(), device=new_id(), name="New desk")) is None
    await fill(store, day)
    await store.reincarnate()
    assert await waiting(store) == frozenset()
    assert await run_of(store, 1, 50, 10**6) == []
    everything = await store.everything()
    assert [(command.id, command.status, command.stranded) for command in everything.commands] == [
        (id, "stranded", "Main desk") for id in ids[1:]
    ]
    assert not any(row.record is Attendance for row in everything.rows)
    assert await store.resolve(ids[1], "accepted") is None
    own = await check_in(store, day.claims[4])
    await store.close()
    again = await opened(tmp_path)
    assert [command.id for command in (await again.everything()).commands] == [ids[2], own]
    await again.close()


async def test_a_file_from_before_there_were_owners_is_this_desks(store: Store, day: SmallDay, tmp_path: Path) -> None:
    """What waits in it is sent as ever."""
    id = await check_in(store, day.claims[0])
    await store.close()
    with sqlite3.connect(tmp_path / "outbox.db") as connection:
        connection.execute("DROP TABLE owners")
    connection.close()
    again = await opened(tmp_path)
    assert await waiting(again) == {id}
    assert await again.enrol(msgspec.structs.replace(identity(), device=new_id())) is None
    assert [command.status for command in (await again.everything()).commands] == ["stranded"]
    await again.close()


async def test_a_desk_that_leaves_keeps_what_was_asked_and_nothing_else(store: Store, day: SmallDay) -> None:
    """Revoked: the copy of the programme is wiped; once it is another desk, what was never sent is shown."""
    sent, unsent = [await check_in(store, claim) for claim in day.claims[:2]]
    await store.apply(Delta(cursor="c2", from_cursor="c1", results=[Result(id=sent, status="applied")]), MORNING)
    assert await store.leave() is None
    assert not any(row.record is Participant for row in (await store.everything()).rows)
    assert store.cursor is None
    assert await store.enrol(msgspec.structs.replace(identity(), device=new_id())) is None
    shown = (await store.everything()).commands
    assert [(command.id, command.status) for command in shown] == [(unsent, "stranded")]


async def test_several_commands_are_kept_together_or_not_at_all(store: Store, day: SmallDay) -> None:
    """One of them can't be kept: none is, the refused one that they replace still waits, and numbers go on."""
    first = await check_in(store, day.claims[0])
    refused = Result(id=first, status="rejected", code="INVALID")
    await store.apply(Delta(cursor="c2", from_cursor="c1", results=[refused]), MORNING)
    with sqlite3.connect(store._outbox.path, isolation_level=None) as connection:
        connection.execute(
            "CREATE TRIGGER full BEFORE INSERT ON commands WHEN new.seq = 3 BEGIN SELECT RAISE(ABORT, 'no'); END"
        )
    wishes = [Wish("attendance.arrive", attend.Args(reservation_id=claim)) for claim in day.claims[1:3]]
    with pytest.raises(IntegrityError):
        await store.submit_all(wishes, settling=first)
    assert [command.needs_attention for command in (await store.everything()).commands] == [True]
    connection.execute("DROP TRIGGER full")
    connection.close()
    happened = datetime.now(UTC) - timedelta(hours=2)
    store.clock_offset_ms = 90_000
    done = await store.submit_all([replace(wish, occurred_at=happened) for wish in wishes], settling=first)
    assert isinstance(done, list)
    assert [queued.seq for queued in await run_of(store, 2, 50, 10**6)] == [2, 3]
    everything = await store.everything()
    assert [command.resolution for command in everything.commands] == [f"reissued {done[0].id}", None, None]
    facts = [row.row for row in everything.rows if isinstance(row.row, Attendance)]
    assert {fact.occurred_at for fact in facts} == {happened}


async def test_a_file_that_another_program_holds_is_said(store: Store, day: SmallDay) -> None:
    """Reading for sync too: no exception, and words that say what to do."""
    await check_in(store, day.claims[0])
    other = sqlite3.connect(store._outbox.path, isolation_level=None)
    connection = store._outbox._database._connection
    assert connection is not None
    connection.exec_driver_sql("PRAGMA busy_timeout = 50")
    connection.rollback()
    other.execute("BEGIN EXCLUSIVE")
    refused = [
        await store.run_from(1, 50, 10**6),
        await store.submit(Wish("attendance.arrive", attend.Args(reservation_id=day.claims[1]))),
    ]
    other.execute("ROLLBACK")
    other.close()
    for refusal in refused:
        assert isinstance(refusal, StoreRefusal)
        assert refusal.code is StoreCode.BUSY
        assert "outbox.db" in refusal.words
    assert len(await run_of(store, 1, 50, 10**6)) == 1


async def test_killed_while_it_shows_what_was_fetched_anew(store: Store, day: SmallDay, tmp_path: Path) -> None:
    """Whatever the centre forgot is offered again, even if the desk is stopped just before or after it is shown."""
    id = await check_in(store, day.claims[0])
    await store.apply(Delta(cursor="c2", from_cursor="c1", results=[Result(id=id, status="applied")]), MORNING)
    await store.begin_filling(anew=True)
    await store.fill(page_of(day), None, len(day.rows))
    cache = store._cache
    assert cache is not None
    shown = cache.reveal

    def killed() -> None:
        shown()
        raise RuntimeError("killed")

    cache.reveal = killed  # type: ignore[method-assign]  # the moment between two files
    with pytest.raises(RuntimeError):
        await store.reveal(MORNING)
    await store.close()
    again = await opened(tmp_path)
    assert [queued.id for queued in await run_of(again, 1, 50, 10**6)] == [id]
    assert again.incarnation == 2
    await again.close()


# ----------------------------------------------------------------- the cursor


async def test_only_a_delta_that_follows_is_applied(store: Store, day: SmallDay) -> None:
    """Another cursor: nothing of it, neither on the disk nor in memory."""
    told: list[Diff] = []
    store.subscribe(told.append)
    delta = Delta(cursor="c9", from_cursor="c8", dels=[("slot_reservations", day.claims[0])])
    refusal = await store.apply(delta, MORNING)
    assert refusal is not None
    assert refusal.code is StoreCode.CURSOR
    assert store.cursor == "c1"
    assert told == []


async def test_rows_that_nobody_can_read_are_refused_whole(store: Store, day: SmallDay) -> None:
    """A row of another shape: nothing of the delta is taken."""
    puts = [("slot_reservations", msgspec.Raw(b'{"id":"x","claim":"perhaps"}'))]
    refusal = await store.apply(Delta(cursor="c2", from_cursor="c1", puts=puts), MORNING)
    assert refusal is not None
    assert refusal.code is StoreCode.NOT_UNDERSTOOD
    assert store.cursor == "c1"


async def test_unknown_tables_are_left_alone(store: Store) -> None:
    """A newer server may know more tables."""
    delta = Delta(cursor="c2", from_cursor="c1", puts=[("balloons", msgspec.Raw(b'{"id":"x"}'))])
    assert await store.apply(delta, MORNING) is None


async def test_what_is_fetched_anew_shows_only_when_whole(store: Store, day: SmallDay, tmp_path: Path) -> None:
    """A bootstrap beside what is shown: the old stays until the new is there, over a restart too."""
    before = len((await store.everything()).rows)
    await store.begin_filling(anew=False)
    smaller = Delta(cursor="d1", puts=page_of(day).puts[:3])
    await store.fill(smaller, "page 2", 6)
    assert len((await store.everything()).rows) == before
    await store.close()
    again = await opened(tmp_path)
    filling = await again.filling()
    assert isinstance(filling, Filling)
    assert (filling.page, filling.cursor, filling.done, filling.total) == ("page 2", "d1", 3, 6)
    await again.fill(Delta(cursor="d2", puts=page_of(day).puts[3:6]), None, 6)
    assert await again.reveal(MORNING) is None
    assert again.cursor == "d1"
    assert len((await again.everything()).rows) == 6
    await again.close()
    reopened = await opened(tmp_path)
    assert len((await reopened.everything()).rows) == 6
    await reopened.close()


# -------------------------------------------------------------------- trouble


@pytest.mark.parametrize("damage", ["garbage", "torn", "empty"])
async def test_a_damaged_cache_is_replaced_and_the_outbox_untouched(tmp_path: Path, day: SmallDay, damage: str) -> None:
    """After an unclean exit the cache is checked; damaged, it is fetched anew."""
    store = await opened(tmp_path)
    await store.enrol(identity())
    await fill(store, day)
    id = await check_in(store, day.claims[0])
    store._cache_dropped()  # as a crash leaves it: closed by nobody, the mark of an open file still set
    cache = tmp_path / "cache.db"
    content = cache.read_bytes()
    cache.with_name("cache.db-wal").unlink(missing_ok=True)
    if damage == "garbage":
        cache.write_bytes(os.urandom(len(content)))
    elif damage == "torn":
        torn = bytearray(content)
        torn[4096:12288] = os.urandom(8192)
        cache.write_bytes(bytes(torn))
    else:
        cache.write_bytes(b"")
    again = await opened(tmp_path)
    cursors = [again.cursor]
    assert await again.unsettled() == (frozenset({id}), 1)
    assert [notice.code for notice in again.notices] == ([] if damage == "empty" else [StoreCode.CORRUPT])
    await fill(again, day)
    cursors.append(again.cursor)
    assert cursors == [None, "c1"]
    await again.close()
    store._outbox.close()


async def test_a_cache_of_another_version_or_desk_is_fetched_anew(store: Store, tmp_path: Path, day: SmallDay) -> None:
    """Nothing is shown that was made for other eyes."""
    id = await check_in(store, day.claims[0])
    await store.close()
    with sqlite3.connect(tmp_path / "cache.db") as connection:
        connection.execute("UPDATE meta SET value = '0-old' WHERE name = 'shape'")
    connection.close()
    again = await opened(tmp_path)
    assert (again.cursor, again.notices) == (None, [])
    assert await waiting(again) == {id}
    await again.close()


async def test_a_damaged_outbox_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    """Nobody repairs by guessing what staff asked for."""
    path = tmp_path / "outbox.db"
    path.write_bytes(b"SQLite format 3\0" + os.urandom(8192))
    before = path.read_bytes()
    refusal = await Store.open(path, tmp_path / "cache.db", InlineWorker(), lambda: MORNING)
    assert isinstance(refusal, StoreRefusal)
    assert refusal.code is StoreCode.OUTBOX_DAMAGED
    assert str(path) in refusal.words
    assert path.read_bytes() == before


async def test_a_full_disk_is_said_and_loses_nothing(store: Store, day: SmallDay) -> None:
    """The refused action is not there, those before are, and with room again it goes on without a gap."""
    first = await check_in(store, day.claims[0])
    database = store._outbox._database
    pages = database.pragma("page_count")
    database.pragma(f"max_page_count = {pages}")
    refusal: Submitted | StoreRefusal | None = None
    before = {first}
    for _ in range(200):
        refusal = await store.submit(
            Wish("reservation.move", move.Args(reservation_id=day.claims[1], slot_id=day.slots[0] + "x" * 3000))
        )
        if isinstance(refusal, StoreRefusal):
            break
        before.add(refusal.id)
    assert isinstance(refusal, StoreRefusal)
    assert refusal.code is StoreCode.DISK_FULL
    assert "disk is full" in refusal.words
    assert await waiting(store) == before
    database.pragma("max_page_count = 1000000")
    last = await check_in(store, day.claims[2])
    assert (await run_of(store, len(before) + 1, 50, 10**6))[0].id == last


def test_a_file_size_limit_is_a_full_disk(tmp_path: Path) -> None:
    """What the operating system refuses to write is refused in words, in a process of its own."""
    script = (
        "import asyncio, sys\nfrom tests.store.test_store import until_full\nfrom pathlib import Path\n"
        "print(asyncio.run(until_full(Path(sys.argv[1]))))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000)),
    )  # fmt: skip
    assert done.stdout.strip() == "DISK_FULL", done.stderr


async def until_full(folder: Path) -> str:
    """Queue until the disk says no; what it said."""
    store = await opened(folder)
    await store.enrol(identity())
    for _ in range(10_000):
        done = await store.submit(Wish("attendance.arrive", attend.Args(reservation_id=new_id())))
        if isinstance(done, StoreRefusal):
            return str(done.code)
    return "never"


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere")
async def test_a_read_only_folder_is_said(tmp_path: Path) -> None:
    """With words that say which folder."""
    folder = tmp_path / "closed"
    folder.mkdir(mode=stat.S_IRUSR | stat.S_IXUSR)
    refusal = await Store.open(folder / "outbox.db", folder / "cache.db", InlineWorker(), lambda: MORNING)
    assert isinstance(refusal, StoreRefusal)
    assert refusal.code in (StoreCode.READ_ONLY, StoreCode.UNREADABLE)


async def test_a_read_only_file_is_said(tmp_path: Path, store: Store, day: SmallDay) -> None:
    """A disk that turned read-only under the running desk."""
    store._outbox._database.pragma("query_only = ON")
    refusal = await store.submit(Wish("attendance.arrive", attend.Args(reservation_id=day.claims[0])))
    assert isinstance(refusal, StoreRefusal)
    assert refusal.code is StoreCode.READ_ONLY
    assert str(tmp_path / "outbox.db") in refusal.words


def test_one_window_a_profile(tmp_path: Path) -> None:
    """The second start is told; after the first has closed it may."""
    first = Profile.open(tmp_path / "p")
    assert isinstance(first, Profile)
    second = Profile.open(tmp_path / "p")
    assert isinstance(second, StoreRefusal)
    assert second.code is StoreCode.IN_USE
    first.close()
    third = Profile.open(tmp_path / "p")
    assert isinstance(third, Profile)
    third.close()


async def test_the_thread_tells_the_main_thread_in_order(tmp_path: Path, day: SmallDay) -> None:
    """Diffs arrive on the loop's thread, before the call that caused them returns, even if its caller gave up."""
    worker = ThreadWorker()
    store = await Store.open(tmp_path / "outbox.db", tmp_path / "cache.db", worker, lambda: datetime.now(UTC))
    assert isinstance(store, Store)
    await store.enrol(identity())
    await fill(store, day)
    told: list[tuple[str, Diff]] = []
    store.subscribe(lambda diff: told.append((threading.current_thread().name, diff)))
    await check_in(store, day.claims[0])
    assert [name for name, _ in told] == ["MainThread"]
    given_up = asyncio.ensure_future(check_in(store, day.claims[1]))
    await asyncio.sleep(0)
    given_up.cancel()
    await check_in(store, day.claims[2])
    assert len(told) == 3
    await store.close()
    worker.close()


async def test_twenty_thousand_rows_load_in_a_second(tmp_path: Path) -> None:
    """What a start costs on a big day."""
    day = small_day(rooms=40, slots=100, people=8000)
    store = await opened(tmp_path)
    await store.enrol(identity())
    await fill(store, day)
    await store.close()
    began = asyncio.get_running_loop().time()
    again = await opened(tmp_path)
    took = asyncio.get_running_loop().time() - began
    rows = len((await again.everything()).rows)
    print(f"{rows} rows in {took:.2f} s")
    assert rows > 20_000
    assert took < 1.0
    await again.close()
