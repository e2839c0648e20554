"""What a desk with a fresh replica predicts is what the centre writes: the same rows, ids too, or the same refusal."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from desktop.store.prediction import Prediction, Scope, WatchedState, predict, prediction
from server_sync.authority.principal import Principal
from server_sync.protocol.commands import Envelope, Result
from server_sync.protocol.ids import Id, derived_id
from server_sync.protocol.records import EventSlot, Record, Role
from server_sync.rules.state import State
from tests.anything.choosing import Seeded
from tests.anything.commands import Anything, weighted_kinds
from tests.anything.ground import NOBODY
from tests.anything.machine import LENGTH
from tests.anything.picture import Picture
from tests.anything.rows import differences, tables, written_by
from tests.anything.shares import Shares
from tests.authority.centre import Centre, Desk, centre, envelope
from tests.authority.fresh import fresh_programme

SEED: Final = os.environ.get("CALLBOARD_SEED", "20261121")
DAYS: Final = max(1, int(os.environ.get("CALLBOARD_PREDICTIONS", "400")) // LENGTH)

AT_THE_CENTRE: Final = frozenset({"import.apply"})
"""Kinds that no desk gives, whose ids hang on rows that left, which no desk has. What they write comes to desks."""

TIMES: Final = frozenset({
    "reserved_at", "queued_at", "expires_at", "cancelled_at", "confirmed_at", "occurred_at", "raised_at",
    "resolved_at", "held_until", "on_stage_since", "enrolled_at", "revoked_at", "used_at",
})  # fmt: skip
"""Columns in which the centre writes its own time, where it writes one."""


async def test_what_a_desk_predicts_is_what_the_centre_writes(database_url: str) -> None:
    print(f"seed {SEED}, {DAYS} days of {LENGTH} commands (CALLBOARD_SEED, CALLBOARD_PREDICTIONS)")
    shares = Shares()
    async with centre(database_url) as c:
        for day in range(DAYS):
            predicting = Predicting(c, f"{SEED}/{day}", shares)
            await predicting.begin()
            for step in range(LENGTH):
                await predicting.step(step)
            await predicting.end()
    print(shares)
    if DAYS * LENGTH >= 10_000:
        assert shares.scarce(least=10, percent=25) == {}


class Predicting:
    """A desk on one day of any commands, by whoever is signed in; its replica takes in what each of them wrote."""

    def __init__(self, c: Centre, seed: str, shares: Shares) -> None:
        self.c = c
        self.seed = seed
        self.shares = shares
        self.replica = WatchedState()
        self.choose = Seeded(seed)
        self.kinds = weighted_kinds(rare=7)
        self.said: list[Id] = []
        self.opened = 0
        self.desk: Desk

    async def begin(self) -> None:
        """A fresh programme, and a desk that has all of it."""
        await fresh_programme(self.c, self.seed)
        self.desk = await self.c.desk()
        _take(self.replica, _rows(await tables(self.c.sql, self.c.programme)))

    async def end(self) -> None:
        """The replica is what the tables are, and the day was one on which something went on."""
        there = State()
        _take(there, _rows(await tables(self.c.sql, self.c.programme)))
        assert differences(_plain(self.replica), there) == [], self.seed
        assert self.opened > LENGTH // 4, f"seed {self.seed}: nothing was open but for {self.opened} commands"

    async def step(self, number: int) -> None:
        """One command, predicted and then decided."""
        if self.choose.chance(3):
            await self._let_holds_run_out()
        given = Anything(self.choose, self.replica, datetime.now(UTC), self.said).command(self.kinds)
        id = derived_id(NOBODY, f"{self.seed} {number}")  # so that the seed repeats it
        asked = envelope(given.kind, given.args, id=id, **given.how)
        predicted = prediction(number, asked, self._scope(given.role))
        if given.kind not in AT_THE_CENTRE:
            predict(self.replica, predicted, datetime.now(UTC))
        result = await self._submit(given.role, asked)
        where = f"seed {self.seed} step {number}: {given}"
        self.shares.count(given.kind, result.code)
        if given.kind not in AT_THE_CENTRE:
            _same_verdict(predicted, result, where)
        if self.choose.chance(5):
            await self._again(given.role, asked, result)
        if result.status == "applied":
            self.said.append(id)
            written = [row for row in await written_by(self.c.sql, id) if _on_desks(self.replica, row)]
            if given.kind not in AT_THE_CENTRE:
                self._same_rows(predicted, written, where)
            _take(self.replica, written)
        now = Picture(self.replica.rows, datetime.now(UTC))
        self.opened += any(now.openness(slot) == "open" for slot in now.all(EventSlot))

    def _scope(self, role: Role) -> Scope:
        principal = self.desk.principal
        assert principal.device_id is not None
        return Scope(principal.device_id, self.c.programme, role, principal.actor)

    async def _submit(self, role: Role, asked: Envelope) -> Result:
        principal = self.desk.principal
        who = Principal(principal.id, principal.actor, role, self.c.programme, principal.device_id)
        result = await self.c.authority.submit(who, asked, self.c.programme)
        assert isinstance(result, Result), f"{self.seed}: {result} to {asked.kind} {bytes(asked.args).decode()}"
        return result

    async def _again(self, role: Role, asked: Envelope, result: Result) -> None:
        """The same command once more has the same verdict, and does nothing."""
        before = await tables(self.c.sql, self.c.programme)
        assert _json(await self._submit(role, asked)) == _json(result)
        assert differences(before, await tables(self.c.sql, self.c.programme)) == []

    def _same_rows(self, predicted: Prediction, written: list[Record], where: str) -> None:
        foreseen = {(type(e.after), e.after.id): e.after for e in predicted.effects}
        again = [row for row in written if (type(row), row.id) not in foreseen]
        unforeseen = [row for row in again if self.replica.peek((type(row), row.id)) != row]  # others are as they were
        assert not unforeseen, f"{where}: {unforeseen}"
        assert _bare(foreseen.values()) == _bare(row for row in written if row not in again), where

    async def _let_holds_run_out(self) -> None:
        sql = self.c.sql
        await sql.execute("UPDATE slot_reservations SET expires_at = now() - interval '1 minute' WHERE claim = 'held'")
        await sql.execute(
            "UPDATE slot_seats s SET held_until = r.expires_at FROM slot_reservations r"
            " WHERE r.id = s.reservation_id AND s.state = 'held'"
        )
        _take(self.replica, _rows(await tables(sql, self.c.programme)))


def _same_verdict(predicted: Prediction, result: Result, where: str) -> None:
    refusal = predicted.refusal
    assert (None if refusal is None else refusal.code) == result.code, f"{where}: {refusal}, decided {result}"
    if refusal is not None:
        assert _told(refusal.details) == _told(result.details), f"{where}: {result.code}"


def _told(details: Any) -> Any:
    """What a refusal says, as it is in JSON; at what time is the centre's to say."""
    return _timeless(_json(details or {}))


def _json(value: Any) -> Any:
    return msgspec.json.decode(msgspec.json.encode(value))


def _timeless(value: Any) -> Any:
    if isinstance(value, list):
        return [_timeless(item) for item in value]
    if isinstance(value, dict):
        return {name: "a time" if name in TIMES else _timeless(item) for name, item in value.items()}
    return value


def _rows(state: State) -> list[Record]:
    return [row for rows in state.rows.values() for row in rows.values()]


def _on_desks(replica: WatchedState, row: Record) -> bool:
    """Whether a desk holds the row, or is to: one that left before, and was only forgotten now, is on none."""
    return not row.deleted or replica.peek((type(row), row.id)) is not None


def _take(replica: State, rows: Iterable[Record]) -> None:
    """Take rows as a desk does: those that left, leave."""
    for row in rows:
        if row.deleted:
            replica.remove(type(row), row.id)
        else:
            replica.put(row)


def _plain(state: State) -> State:
    plain = State()
    for row in _rows(state):
        plain.put(row)
    return plain


def _bare(rows: Iterable[Record]) -> dict[tuple[str, Id], dict[str, Any]]:
    """The rows without what only the centre knows: refs, and when it was by its clock."""
    return {(type(row).TABLE, row.id): _without(row) for row in rows}


def _without(row: Record) -> dict[str, Any]:
    fields: dict[str, Any] = _json(row)
    fields.pop("ref", None)
    return {name: "a time" if name in TIMES else value for name, value in fields.items()}
