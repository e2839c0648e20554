"""What a desk shows: the rows of the centre with this desk's unconfirmed commands laid over them.

A local command only appends. When rows arrive, only the commands that read something of them are taken back and
decided again, with those that depend on what these write; the others stay as they are (rebase, as in Replicache).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from desktop.store.diff import RowChange
from desktop.store.prediction import Key, Prediction, Scope, WatchedState, predict, prediction, touched
from server_sync.protocol.commands import Envelope, Result
from server_sync.protocol.errors import DEPENDENCY_REFUSED, Refusal
from server_sync.protocol.ids import Id
from server_sync.protocol.records import Record
from server_sync.rules.state import RowKey

_NONE: frozenset[Id] = frozenset()
_PATIENCE = 4
"""How often a redo may turn out to reach further than thought, before everything later is redone with it."""


class Replica:
    """Rows, pending commands and results. Not thread-safe: the store's worker owns it.

    ``now`` estimates the server's time. Changes gather until ``take_changes``.
    """

    def __init__(self, scope: Scope, now: Callable[[], datetime]) -> None:
        self.scope = scope
        self.state = WatchedState()
        self.results: dict[Id, Result] = {}
        self.pending: dict[Id, Prediction] = {}
        self._now = now
        self._base: dict[RowKey, Record | None] = {}  # the centre's row beneath each one that a pending command wrote
        self._layers: dict[RowKey, dict[Id, Record]] = {}  # what each pending command made of it, in their order
        self._readers: dict[Key, set[Id]] = {}
        self._writers: dict[Key, set[Id]] = {}
        self._seen: dict[RowKey, RowChange] = {}  # as they were before what changed since the last take_changes
        self._changed: set[Id] = set()

    def load(self, rows: Iterable[Record], results: dict[Id, Result], queue: Iterable[tuple[int, Envelope]]) -> None:
        """Fill an empty replica, and predict the commands of *queue* that have no result."""
        for row in rows:
            self.state.put(row)
        self.results = results
        for position, envelope in queue:
            if envelope.id not in results:
                self.append(position, envelope)
        self._seen.clear()
        self._changed.clear()

    def append(self, position: int, envelope: Envelope) -> Prediction:
        """Predict one more command, the last of the queue."""
        made = prediction(position, envelope, self.scope)
        self.pending[made.id] = made
        self._lay(made)
        return made

    def apply(self, puts: Sequence[Record], dels: Sequence[RowKey], results: Sequence[Result]) -> None:
        """Take what a pull brought. What was predicted right never vanishes: nobody looks before the end."""
        arrived: dict[RowKey, Record | None] = {(type(row), row.id): row for row in puts}
        arrived.update((key, None) for key in dels)
        affected: set[Key] = set()
        for key, row in list(arrived.items()):
            before = self.base(key)
            if before == row:
                del arrived[key]
            else:
                affected |= touched(before, row)
        settled = [result.id for result in results]
        self.results.update((result.id, result) for result in results)
        affected |= {("command", id) for id in settled}
        redo = {id for key in affected & self._readers.keys() for id in self._readers[key]}
        redo = self._closure(redo | {id for id in settled if id in self.pending})
        self._take_back(redo)
        for key, row in arrived.items():
            self._note(key)
            self.state.set(key, row)
        for id in settled:
            self._changed.add(id)
            self.pending.pop(id, None)
            redo.discard(id)
        self._redo(redo)

    def base(self, key: RowKey) -> Record | None:
        """The centre's row under *key*."""
        return self._base[key] if key in self._base else self.state.peek(key)

    def pending_on(self, key: RowKey) -> frozenset[Id]:
        """The unconfirmed commands that made the row under *key* what it is."""
        return frozenset(self._layers.get(key, ()))

    def take_changes(self) -> tuple[list[RowChange], set[Id]]:
        """The rows that differ from how they were at the last call, and the commands whose state may."""
        rows = [now for key, before in self._seen.items() if (now := self._change(key)) != before]
        changed = self._changed
        self._seen, self._changed = {}, set()
        return rows, changed

    def everything(self) -> list[RowChange]:
        """Every row as it is now."""
        return [self._change((record, id)) for record, rows in self.state.rows.items() for id in rows]

    def _change(self, key: RowKey) -> RowChange:
        return RowChange(key[0], key[1], self.state.peek(key), self.pending_on(key))

    def _note(self, key: RowKey) -> None:
        if key not in self._seen:
            self._seen[key] = self._change(key)

    # ----------------------------------------------------------------- rebase

    def _lay(self, made: Prediction) -> None:
        """Decide *made* over everything before it, and lay its rows on top."""
        made.reads, made.touches = set(), {("command", made.id)}
        made.reads |= {("command", id) for id in made.envelope.depends_on or ()}
        refused = self._refused_dependency(made)
        old = made.refusal
        if refused is not None:
            made.refusal, made.effects = refused, []
        else:
            predict(self.state, made, self._now())
        if made.refusal != old:
            self._changed.add(made.id)
        for effect in made.effects:
            key = (type(effect.after), effect.after.id)
            if key not in self._seen:
                self._seen[key] = RowChange(key[0], key[1], effect.before, self.pending_on(key))
            if key not in self._layers:
                self._base[key] = effect.before
                self._layers[key] = {}
            self._layers[key][made.id] = effect.after
        for keys, index in ((made.reads, self._readers), (made.touches, self._writers)):
            for read in keys:
                index.setdefault(read, set()).add(made.id)

    def _refused_dependency(self, made: Prediction) -> Refusal | None:
        if made.rule is None or made.rule.fact:  # what happened, happened
            return None
        for id in made.envelope.depends_on or ():
            result, other = self.results.get(id), self.pending.get(id)
            if (result is not None and result.status != "applied") or (other is not None and other.refusal is not None):
                return Refusal(DEPENDENCY_REFUSED, {"command_id": id})
        return None

    def _take_back(self, ids: set[Id]) -> None:
        """Undo what *ids* wrote: each row becomes what the last other command made of it, or the centre's."""
        for id in ids:
            made = self.pending[id]
            for effect in made.effects:
                key = (type(effect.after), effect.after.id)
                self._note(key)
                layers = self._layers[key]
                del layers[id]
                if layers:
                    self.state.put(next(reversed(layers.values())))
                else:
                    del self._layers[key]
                    self.state.set(key, self._base.pop(key))
            made.effects = []
            for keys, index in ((made.reads, self._readers), (made.touches, self._writers)):
                for read in keys:
                    entries = index[read]
                    entries.discard(id)
                    if not entries:
                        del index[read]

    def _closure(self, ids: set[Id]) -> set[Id]:
        """*ids* and every later command that is entangled with one of them."""
        found, frontier = set(ids), list(ids)
        while frontier:
            later = self._entangled(self.pending[frontier.pop()], found)
            found |= later
            frontier.extend(later)
        return found

    def _entangled(self, made: Prediction, known: set[Id]) -> set[Id]:
        """The later commands, other than *known*, that read what *made* touches, or touch what it reads."""
        found: set[Id] = set()
        for keys, index in ((made.touches, self._readers), (made.reads, self._writers)):
            for key in keys:
                found |= index.get(key, _NONE) - known
        return {id for id in found if self.pending[id].position > made.position}

    def _redo(self, ids: set[Id]) -> None:
        """Decide *ids* again in their order. One outside that is now reached joins, and it begins anew."""
        for attempt in range(len(self.pending) + 1):
            reached: set[Id] = set()
            for made in sorted((self.pending[id] for id in ids), key=lambda made: made.position):
                self._lay(made)
                reached = self._entangled(made, ids)
                if reached:
                    break
            if not reached:
                return
            if attempt >= _PATIENCE:
                first = min(self.pending[id].position for id in ids)
                reached = {id for id, made in self.pending.items() if made.position > first} - ids
            laid = {id for id in ids if ("command", id) in self._writers}
            joined = self._closure(reached) - ids
            self._take_back(laid | joined)
            ids = ids | joined
        raise AssertionError("every pending command is being redone, and still one is outside")
