"""Rules that are steps on a draft. What such a rule must see is found by taking its steps over what is known so far.

The steps are one function, ``act``. ``decide`` takes them and keeps what they wrote; ``needs`` takes them over a state
that notes whatever is looked at, and asks for that, and for locks on whatever was written. So the two can't differ, and
whoever writes such a rule names only the locks that guard what it merely looked at (``ask.lock``).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from server_sync.protocol.errors import NOTHING_TO_DO, Refusal
from server_sync.protocol.ids import Id
from server_sync.protocol.records import Record, ReservationMember, Role, SlotSeat
from server_sync.rules.command import A, Command, Rule
from server_sync.rules.draft import Draft
from server_sync.rules.state import Changes, Index, Keys, R, State

Act = Callable[[Draft, Command[A], datetime | None, Keys], dict[str, Any] | Refusal]
"""The steps: they write on the draft, ask for what else must be locked, and return the answer or why not.

In a rehearsal rows may be missing, and so may the time.
"""

_GUARDED: Final[frozenset[type[Record]]] = frozenset({ReservationMember, SlotSeat})
"""Rows that whoever holds their claim or slot may change."""


class Watched(State):
    """A state that notes in ``keys`` what it is asked for."""

    def __init__(self, base: State, keys: Keys) -> None:
        super().__init__()
        self.now = base.now
        self.tentative = base.tentative
        self._base = base
        self._keys = keys

    def get(self, record: type[R], id: Id | None) -> R | None:
        """As ``State.get``."""
        if id is not None:
            self._keys.read.add((record, id))
        return self._base.get(record, id)

    def known(self, record: type[R], id: Id) -> R | None:
        """As ``State.known``."""
        return self._base.known(record, id)

    def find(self, index: Index, key: str) -> list[Any]:
        """As ``State.find``."""
        self._keys.find.add((index, key))
        return self._base.find(index, key)


class Stage(Draft):
    """What the commands of a batch are rehearsed on, in turn: who is next in line depends on those before."""


def rehearsed(kind: str, args: type[A], act: Act[A], role: Role = "admin", bulk: bool = False) -> Rule[A]:
    """The rule that takes the steps *act*; ``NOTHING_TO_DO`` where they write nothing."""

    def needs(command: Command[A], loaded: State) -> Keys:
        keys = Keys()
        draft = Draft(Watched(loaded, keys))
        answer = act(draft, command, loaded.now, keys)
        for record, rows in draft.rows.items():
            if record not in _GUARDED:
                keys.lock |= {(record, id) for id in rows if loaded.known(record, id) is not None}
        if isinstance(loaded, Stage) and not isinstance(answer, Refusal):
            loaded.write(*draft.puts)
        return keys

    def decide(state: State, command: Command[A], now: datetime) -> Changes | Refusal:
        draft = Draft(state)
        answer = act(draft, command, now, Keys())
        if isinstance(answer, Refusal):
            return answer
        return draft.changes(answer) if draft.puts else Refusal(NOTHING_TO_DO, _about(command))

    return Rule(kind, args, role, needs, decide, bulk=bulk, staged=True)


def _about(command: Command[Any]) -> dict[str, Any]:
    """The ids that a command's arguments name."""
    names = (name for name in command.args.__struct_fields__ if name.endswith("_id"))
    return {name: value for name in names if isinstance(value := getattr(command.args, name), str)}
