"""One transaction for many commands: discover, lock, load, decide, store, commit.

Runs are independent of each other; within a run the first command that can't be decided now stops the rest. Nothing of
an attempt is believed before its commit: the runs are told afterwards.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

import asyncpg
import msgspec

from server_sync.authority.connection import Connection
from server_sync.authority.devices import DeviceCursor, lock_cursors, save_cursors
from server_sync.authority.discover import Hints, ask, discover
from server_sync.authority.erasing import erase
from server_sync.authority.ledger import applied, ledger_row, rejected, replayed, same_command, taken
from server_sync.authority.load import LOCK_ORDER, Known, Loaded, NotLoaded, kept_by_others, load, lock
from server_sync.authority.refs import Refs
from server_sync.authority.runs import Item, Run
from server_sync.authority.store import LedgerRow, store
from server_sync.authority.sweeping import sweep_words
from server_sync.protocol.commands import Result, Stop
from server_sync.protocol.errors import BUSY, DEPENDENCY_REFUSED, KEY_REUSED, Refusal
from server_sync.protocol.ids import Id
from server_sync.protocol.records import Event, EventSlot, EventTimeBlock, Record, SlotReservation
from server_sync.rules.command import Command, Rule
from server_sync.rules.redaction import Forgotten
from server_sync.rules.state import Changes, Effect, Keys, RowKey, takes_places

log = logging.getLogger(__name__)

MOST_LOOKED_AT: Final = 2_000
"""Of more rows than these nobody finds out which are kept: whoever wants so many waits as a whole."""

ROUNDS_UNLOCKED: Final = 2
"""After so many, what is meant to be changed is locked before the rest is looked for: then no more can come of it."""

MOST_ROUNDS: Final = 5
"""How often a command may turn out to need more than it was given before it is told ``BUSY``."""

PLACES: Final = frozenset(LOCK_ORDER[: LOCK_ORDER.index(EventSlot) + 1])
"""Whoever enters or leaves a slot, or makes one, locks one of these rows."""

_ENCODER: Final = msgspec.json.Encoder()


class HeldUp(NamedTuple):
    """A run that wants *rows* which somebody else keeps, and how many of its commands come before the one that does."""

    run: Run
    free: int
    rows: Set[RowKey]


class Attempted(NamedTuple):
    """What came of an attempt: whose rows changed, and the runs that it left out because they have to wait."""

    programmes: set[Id]
    held: list[HeldUp]


@dataclass(slots=True)
class Progress:
    """How far one run came in an attempt that has not committed yet."""

    run: Run
    results: list[Result] = field(default_factory=list)
    stop: Stop | None = None
    refusal: Refusal | None = None
    error: BaseException | None = None
    again: bool = False

    def tell(self, next_seq: int) -> None:
        """The attempt is committed: so it is."""
        self.run.advance(self.results)
        self.run.stop, self.run.refusal, self.run.error = self.stop, self.refusal, self.error
        self.run.next_seq = next_seq
        self.run.rounds += self.again


class MoreToLock(Exception):
    """What was found meanwhile is to be locked before what is held: all is let go, and locked in order."""


class Attempt:
    """One transaction over some runs: what it sees, and what it will write."""

    def __init__(self, keys: Keys, refs: Refs) -> None:
        self.state = Loaded(keys)
        self.refs = refs
        self.known: dict[Id, Known] = {}
        self.cursors: dict[Id, DeviceCursor] = {}
        self.effects: dict[RowKey, Effect] = {}
        self.encoded: dict[RowKey, bytes] = {}
        self.ledger: list[LedgerRow] = []
        self.programmes: set[Id] = set()
        self.erased: list[Forgotten] = []
        self.decided = 0

    async def decide_run(self, connection: Connection, run: Run, now: datetime) -> Progress:
        """Decide what is next of *run* in order until one has to wait."""
        progress = Progress(run)
        cursor = self.cursors.get(run.principal.device_id or "") if run.incarnation is not None else None
        if cursor is not None and run.incarnation is not None and not _same_incarnation(cursor, run.incarnation):
            progress.stop = "fork"
            return progress
        for item in run.next:
            known = self.known.get(item.envelope.id)
            if known is not None:
                if not same_command(known, run.principal, item.hash):
                    progress.stop, progress.refusal = _reused(run, item)
                    break
                result: Result | None = replayed(known)
            elif cursor is not None and (stop := _out_of_order(cursor, item)) is not None:
                progress.stop = stop
                break
            else:
                result = await self._decide(connection, run, item, now, progress)
            if result is None:
                break
            if cursor is not None and item.envelope.seq == cursor.last_seq + 1:
                cursor.last_seq += 1
            progress.results.append(result)
        return progress

    async def _decide(
        self, connection: Connection, run: Run, item: Item, now: datetime, progress: Progress
    ) -> Result | None:
        """The verdict on one command, recorded; None where there is none yet.

        Each of a batch is decided a microsecond after the one before, so that what they bring forth keeps its order.
        """
        now = self.state.now = now + timedelta(microseconds=self.decided)
        self.decided += 1
        verdict: Changes | Refusal | None = item.refused or self._dependency(item)
        verdict = verdict or taken(self.state, item.envelope.id)
        if verdict is None:
            assert item.rule is not None
            assert item.command is not None
            try:
                verdict = await ask(item.rule, self._verdict, item.rule, item.command, now)
                if verdict is None:
                    progress.again = True
                    return None
            except Exception as error:  # a bug in one rule harms no other command, and becomes no verdict
                log.exception("deciding %s %s failed", item.envelope.kind, item.envelope.id)
                progress.error = error
                return None
        effects: list[Effect] = []
        if isinstance(verdict, Refusal):
            result = rejected(item.envelope.id, verdict)
        else:
            self.decided += verdict.moments - 1
            puts = await self._named(connection, verdict.puts)
            effects = await ask(item.rule, self._apply, item, verdict, puts)
            result = applied(item.envelope.id, verdict.answer)
        await ask(item.rule, self._record, run, item, result, effects)
        return result

    def _verdict(self, rule: Rule[Any], command: Command[Any], now: datetime) -> Changes | Refusal | None:
        """What the rule says; None if it would have to see more than is there."""
        return rule.decide(self.state, command, now) if self._covered(rule, command) else None

    def _covered(self, rule: Rule[Any], command: Command[Any]) -> bool:
        """Whether all that the command needs, as things stand under the lock, is locked and loaded."""
        try:
            return self.state.keys.covers(rule.needs(command, self.state))
        except NotLoaded:  # what it asks for led on to more: its claim was moved before the lock was had
            return False

    async def _named(self, connection: Connection, puts: Sequence[Record]) -> list[Record]:
        """The rows, with refs where they are new."""
        new = [row for row in puts if self.state.rows[type(row)].get(row.id) is None]
        await self.refs.reserve(connection, new)
        fresh = {id(row) for row in new}
        return [self.refs.name(row) if id(row) in fresh else row for row in puts]

    def _apply(self, item: Item, changes: Changes, puts: Sequence[Record]) -> list[Effect]:
        """Put the rows into the state; returns those that the command itself wrote."""
        written = {(type(row), row.id) for row in puts}
        effects = []
        for effect in self.state.apply(puts):
            key = (type(effect.after), effect.after.id)
            first = self.effects.get(key)
            if key in written:
                effects.append(effect)
            elif first is None:
                continue  # only its counts changed: the database's trigger does the same
            self.effects[key] = Effect(effect.before if first is None else first.before, effect.after)
            self.encoded[key] = _ENCODER.encode(effect.after)
            if key[1] == item.envelope.id and (ref := getattr(effect.after, "ref", None)) is not None:
                changes.answer["ref"] = ref
        if item.programme_id is not None:
            self.programmes.add(item.programme_id)
        if changes.erase is not None:
            self.erased.append(changes.erase)
        return effects

    def keep_overbooked(self) -> None:
        """Have the limits that are overbooked written with the claims that they count, even where they are as before.

        What a release lowers and an override raises again within one batch, the database would only see lowered.
        """
        for key, effect in list(self.effects.items()):
            if key[0] is SlotReservation and _counted(effect.before) != _counted(effect.after):
                for claim in effect:
                    if isinstance(claim, SlotReservation):
                        self._keep_if_overbooked(EventSlot, claim.slot_id)
                        self._keep_if_overbooked(EventTimeBlock, claim.time_block_id)
                        self._keep_if_overbooked(Event, claim.event_id)

    def _keep_if_overbooked(self, record: type[Record], id: Id) -> None:
        row = self.state.rows[record].get(id)
        if row is not None and row.overbooked_count and (record, id) not in self.effects:
            self.effects[record, id] = Effect(row, row)
            self.encoded[record, id] = _ENCODER.encode(row)

    def _record(self, run: Run, item: Item, result: Result, effects: list[Effect]) -> None:
        self.known[result.id] = Known(
            result.id, run.principal.id, item.hash[2:], result.status, result.code, result.details
        )
        self.ledger.append(
            ledger_row(
                item.envelope,
                run.principal,
                item.programme_id,
                item.hash,
                run.incarnation,
                result,
                effects,
                self.encoded,
            )
        )

    def _dependency(self, item: Item) -> Refusal | None:
        """A request whose ground was refused is refused with it; what happened in the world happened all the same."""
        if item.rule is None or item.rule.fact:
            return None
        for id in item.envelope.depends_on or ():
            known = self.known.get(id)
            if known is None or known.status != "applied":
                return Refusal(DEPENDENCY_REFUSED, {"command_id": id})
        return None


def _counted(claim: Record | None) -> tuple[Id, int] | None:
    """Where and for how many places a claim counts."""
    return (claim.slot_id, claim.spots) if isinstance(claim, SlotReservation) and takes_places(claim) else None


def _same_incarnation(cursor: DeviceCursor, incarnation: int) -> bool:
    """Whether the run continues the device's queue, or starts a later one (not always the next: the server may have
    been restored from a backup, and so have forgotten some)."""
    if incarnation > cursor.incarnation:
        cursor.incarnation, cursor.last_seq = incarnation, 0
    return incarnation == cursor.incarnation


def _out_of_order(cursor: DeviceCursor, item: Item) -> Stop | None:
    seq = item.envelope.seq
    if seq is None or seq <= cursor.last_seq:
        return "fork"
    return "gap" if seq > cursor.last_seq + 1 else None


def _reused(run: Run, item: Item) -> tuple[Stop | None, Refusal | None]:
    if run.incarnation is not None:
        return "fork", None
    return None, Refusal(KEY_REUSED, {"id": item.envelope.id})


class Batch:
    """Runs attempts. ``locking`` off is for the tests that show what the locks are for."""

    def __init__(self, refs: Refs, hints: Hints, locking: bool = True) -> None:
        self._refs = refs
        self._hints = hints
        self._locking = locking

    async def attempt(self, connection: Connection, runs: Sequence[Run], avoid: Set[RowKey] = frozenset()) -> Attempted:
        """Decide what is next of *runs* in one transaction.

        Left out are those that want rows which somebody else keeps, at once if these are among those to *avoid*. Raises
        ``LockNotAvailableError`` if what is waited for is no row that can be told.
        """
        coming = [(run, item) for run in runs for item in run.next]
        thorough = any(run.rounds for run in runs)  # what was not guessed before is looked up now
        wants = await discover(connection, self._hints, [item for _, item in coming], thorough)
        asked = [(run, wanted) for (run, _), wanted in zip(coming, wants, strict=True)]
        held: list[HeldUp] = held_up(asked, avoid) if avoid else []
        while True:
            left_out = {id(one.run) for one in held}
            asked = [(run, wanted) for run, wanted in asked if id(run) not in left_out]
            if not asked:
                return Attempted(set(), held)
            wants = [wanted for _, wanted in asked]
            try:
                within = [run for run in runs if id(run) not in left_out]
                return Attempted(await self._carry_out(connection, within, wants), held)
            except MoreToLock:
                continue
            except asyncpg.LockNotAvailableError:
                locked = Keys.of(wants).lock
                if len(locked) > MOST_LOOKED_AT:
                    raise
                more = held_up(asked, await kept_by_others(connection, locked))
                if not more:
                    raise
                held += more

    async def _carry_out(self, connection: Connection, runs: Sequence[Run], wants: Sequence[Keys]) -> set[Id]:
        """*wants* is what each command of *runs* needs, in order."""
        pushing = [run.principal.device_id for run in runs if run.incarnation is not None and run.principal.device_id]
        items = [item for run in runs for item in run.next]
        wanted_ids = [item.envelope.id for item in items]
        wanted_ids += [id for item in items for id in item.envelope.depends_on or ()]
        async with connection.transaction():
            if any(run.rounds >= ROUNDS_UNLOCKED for run in runs):
                await self._settle_places(connection, items, wants)
            attempt = Attempt(Keys.of(wants), self._refs)
            now = await lock(connection, attempt.state.keys.lock if self._locking else ())
            self._hints.ahead = now - datetime.now(UTC)
            attempt.cursors = await lock_cursors(connection, pushing)
            attempt.known = await load(connection, attempt.state.keys, attempt.state, wanted_ids)
            self._hints.learn(attempt.state)
            steps = [await attempt.decide_run(connection, run, now) for run in runs]
            attempt.keep_overbooked()
            await store(connection, attempt.effects, attempt.encoded, attempt.ledger)
            for who in attempt.erased:
                await erase(connection, who)
            await save_cursors(connection, attempt.cursors.values())
        if attempt.erased:
            await sweep_words(connection)
        for progress in steps:
            cursor = attempt.cursors.get(progress.run.principal.device_id or "")
            progress.tell(cursor.last_seq + 1 if cursor is not None else 0)
            if progress.run.rounds > MOST_ROUNDS:
                give_up(progress.run)
        return attempt.programmes

    async def _settle_places(self, connection: Connection, items: Sequence[Item], wants: Sequence[Keys]) -> None:
        """Add to *wants* what is found while nobody can enter or leave the places that the *items* are about.

        Raises ``MoreToLock`` if other places are among that.
        """
        if not self._locking:
            return
        places = _places(wants)
        await lock(connection, places)
        for wanted, more in zip(wants, await discover(connection, self._hints.blank(), items, True), strict=True):
            wanted |= more
        if _places(wants) > places:
            raise MoreToLock


def _places(wants: Iterable[Keys]) -> set[RowKey]:
    return {key for wanted in wants for key in wanted.lock if key[0] in PLACES}


def held_up(asked: Iterable[tuple[Run, Keys]], rows: Set[RowKey]) -> list[HeldUp]:
    """Whoever wants to lock one of *rows*; *asked* is what each command of each run wants, in order.

    A device's later runs are held with the one before: they must not overtake it.
    """
    held: dict[int, HeldUp] = {}
    free: Counter[int] = Counter()
    kept = set(rows)
    for run, wanted in asked:
        if id(run) in held:
            continue
        if met := (wanted.lock | run.queue) & kept:
            held[id(run)] = HeldUp(run, free[id(run)], met)
            kept |= run.queue
        free[id(run)] += 1
    return list(held.values())


def give_up(run: Run) -> None:
    """Tell the caller to come again: no verdict is stored."""
    if run.incarnation is not None:
        run.stop = "retry"
    else:
        run.refusal = Refusal(BUSY)
