"""Any commands in any order through the real authority: by several processes at once, and against a prediction."""

from __future__ import annotations

import asyncio
import os
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from desktop.store.prediction import Scope, WatchedState, predict, prediction
from server_sync.authority.principal import Principal
from server_sync.embedded import EmbeddedPostgres
from server_sync.protocol.commands import Result
from server_sync.protocol.ids import Id, derived_id
from server_sync.protocol.records import EventSlot, Record
from server_sync.rules.state import State
from tests.anything.choosing import Seeded
from tests.anything.commands import NOBODY, Anything, weighted_kinds
from tests.anything.ground import ground
from tests.anything.invariants import broken
from tests.anything.rows import differences, replayed, tables, written_by
from tests.authority.centre import Centre, centre, envelope, ok

SEED = os.environ.get("CALLBOARD_SEED", "20261121")
STEPS = int(os.environ.get("CALLBOARD_STEPS", "1200"))
PREDICTIONS = int(os.environ.get("CALLBOARD_PREDICTIONS", "400"))
PROCESSES, TASKS = 2, 6
ROOT_FOLDER = Path(__file__).resolve().parents[2]


async def build(c: Centre, **settings: Any) -> None:
    """The small festival, by commands."""
    if settings:
        ok(await c.submit("programme.update", {"settings": settings}))
    names: dict[str, Id] = {}
    for name, kind, args in ground():
        said = {key: names[v[1:]] if isinstance(v, str) and v.startswith("@") else v for key, v in args.items()}
        asked = envelope(kind, said, id=derived_id(NOBODY, f"{SEED} {name}"))
        ok(await c.authority.submit(Principal("root", "root", "admin"), asked, c.programme))
        names[name] = asked.id
    state = await tables(c.sql, c.programme)
    for slot in sorted(state.rows[EventSlot].values(), key=lambda slot: slot.id):
        if slot.event_id == names["seated"]:
            ok(await c.submit("slot.open_seats", {"slot_id": slot.id}, id=derived_id(slot.id, SEED)))


async def test_any_commands_by_two_processes_at_once(database_url: str, postgres: EmbeddedPostgres) -> None:
    print(f"seed {SEED}, {STEPS} commands (CALLBOARD_SEED, CALLBOARD_STEPS)")
    async with centre(database_url) as c:
        await build(c, hold_seconds=1, paid_hold_seconds=2)
        each = STEPS // PROCESSES // TASKS
        reports = await asyncio.gather(*(_worker(database_url, c.programme, n, each) for n in range(PROCESSES)))
        said: Counter[str] = Counter()
        for report in reports:
            assert report["errors"] == []
            log = postgres._folder.log.read_text(errors="replace")
            assert report["raised"] == [], f"the rules should have known: {log[log.find('ERROR:') - 200 :][:6000]}"
            said.update(report["said"])
        print(dict(sorted(said.items())))
        state = await tables(c.sql, c.programme)
        assert broken(state) == []
        apart = differences(await replayed(c.sql, c.programme), state)
        assert not apart, "\n".join(apart[:3])
        assert sum(said.values()) == each * PROCESSES * TASKS


async def _worker(url: str, programme: Id, number: int, steps: int) -> dict[str, Any]:
    command = (
        sys.executable,
        "-m",
        "tests.anything.worker",
        url,
        programme,
        f"{SEED}/{number}",
        str(steps),
        str(TASKS),
    )
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT_FOLDER, stdout=-1, stderr=-1)
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    report: dict[str, Any] = msgspec.json.decode(out.splitlines()[-1])
    return report


# ------------------------------------------------------------- predictions

TIMES = frozenset({
    "reserved_at", "queued_at", "expires_at", "cancelled_at", "confirmed_at", "occurred_at", "raised_at",
    "resolved_at", "held_until", "on_stage_since", "enrolled_at", "revoked_at", "used_at",
})  # fmt: skip
"""Columns in which the centre writes its own time, where it writes one."""


async def test_what_a_desk_predicts_is_what_the_centre_writes(database_url: str) -> None:
    print(f"seed {SEED}, {PREDICTIONS} commands (CALLBOARD_SEED, CALLBOARD_PREDICTIONS)")
    async with centre(database_url) as c:
        await build(c)
        desk = await c.desk()
        assert desk.principal.device_id is not None
        scope = Scope(desk.principal.device_id, c.programme, "admin", desk.principal.actor)
        replica = WatchedState()
        _take(replica, _rows(await tables(c.sql, c.programme)))
        choose, kinds, said = Seeded(SEED), weighted_kinds(), list[Id]()
        outcomes: Counter[str] = Counter()
        for step in range(PREDICTIONS):
            if choose.chance(3):
                await _let_holds_run_out(c, replica)
            kind, args, how = Anything(choose, replica, datetime.now(UTC), said).command(kinds)
            asked = envelope(kind, args, id=derived_id(NOBODY, f"{SEED} {step}"), **how)  # so that the seed repeats it
            predicted = prediction(step, asked, scope)
            predict(replica, predicted, datetime.now(UTC))
            result = await c.authority.submit(desk.principal, asked, c.programme)
            assert isinstance(result, Result), result
            where = f"seed {SEED} step {step}: {kind} {args}"
            refusal = None if predicted.refusal is None else predicted.refusal.code
            assert refusal == result.code, f"{where}: predicted {predicted.refusal}, decided {result}"
            outcomes[f"{kind} {result.code or 'applied'}"] += 1
            if result.status != "applied":
                continue
            said.append(asked.id)
            written = [row for row in await written_by(c.sql, asked.id) if _on_desks(replica, row)]
            foreseen = {(type(e.after), e.after.id): e.after for e in predicted.effects}
            again = [row for row in written if (type(row), row.id) not in foreseen]
            assert all(replica.peek((type(row), row.id)) == row for row in again), where  # as it was
            assert _bare(foreseen.values()) == _bare(row for row in written if row not in again), where
            _take(replica, written)
        print(dict(sorted(outcomes.items())))
        there = State()
        _take(there, _rows(await tables(c.sql, c.programme)))
        assert differences(_plain(replica), there) == []


async def _let_holds_run_out(c: Centre, replica: State) -> None:
    await c.sql.execute("UPDATE slot_reservations SET expires_at = now() - interval '1 minute' WHERE claim = 'held'")
    await c.sql.execute(
        "UPDATE slot_seats s SET held_until = r.expires_at FROM slot_reservations r"
        " WHERE r.id = s.reservation_id AND s.state = 'held'"
    )
    _take(replica, _rows(await tables(c.sql, c.programme)))


def _rows(state: State) -> list[Record]:
    return [row for rows in state.rows.values() for row in rows.values()]


def _on_desks(replica: WatchedState, row: Record) -> bool:
    """Whether a desk holds the row, or is to: one that left before, and was only forgotten now, is on none."""
    return not row.deleted or replica.peek((type(row), row.id)) is not None


def _take(replica: State, rows: list[Record]) -> None:
    """Take rows as a desk does: those that left, leave."""
    for row in rows:
        if row.deleted:
            replica.remove(type(row), row.id)
        else:
            replica.put(row)


def _plain(state: State) -> State:
    plain = State()
    for rows in state.rows.values():
        for row in rows.values():
            plain.put(row)
    return plain


def _bare(rows: Any) -> dict[tuple[str, Id], dict[str, Any]]:
    """The rows without what only the centre knows: refs, and when it was by its clock."""
    return {(type(row).TABLE, row.id): _without(row) for row in rows}


def _without(row: Record) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(row))
    fields.pop("ref", None)
    return {name: "a time" if name in TIMES else value for name, value in fields.items()}
