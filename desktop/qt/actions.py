"""Actions as data: what can be done, in words, with its key. Palette, cheat sheet and keys read one list."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QKeySequence


def always() -> bool:
    """The condition of an action that can always be done."""
    return True


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that can be done.

    `key` is a portable key sequence ("Ctrl+K", "M", "") and `shared` says that the window binds it everywhere; others
    work where their screen has the focus and are only listed. `group` heads it in the cheat sheet.
    """

    action_id: str
    words: str
    callback: Callable[[], None]
    key: str = ""
    icon: str = ""
    group: str = ""
    enabled: Callable[[], bool] = always
    shared: bool = False


def key_words(key: str) -> str:
    """Return a key sequence as people read it on a cap: "Ctrl Z", "Enter", "Esc"."""
    native = QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText)
    plus = native.endswith("+")
    parts = [{"Return": "Enter", "Escape": "Esc"}.get(part, part) for part in native.split("+") if part]
    return " ".join([*parts, "+"] if plus else parts)


class Actions(QObject):
    """The list of actions of one window, by id. `changed` when one comes or goes."""

    changed = Signal()

    def __init__(self) -> None:
        """Make an empty list."""
        super().__init__()
        self._by_id: dict[str, Action] = {}

    def add(self, action: Action) -> None:
        """Add an action. ValueError if its id is taken, or its key is by another shared action."""
        if action.action_id in self._by_id:
            raise ValueError(f"There is an action called {action.action_id} already.")
        if action.shared and action.key:
            rival = next((a for a in self._by_id.values() if a.shared and a.key == action.key), None)
            if rival is not None:
                raise ValueError(f"{action.key} is the key of {rival.action_id} already.")
        self._by_id[action.action_id] = action
        self.changed.emit()

    def all(self) -> list[Action]:
        """Return every action in the order in which they were added."""
        return list(self._by_id.values())

    def get(self, action_id: str) -> Action:
        """Return the action called `action_id`; KeyError if there is none."""
        return self._by_id[action_id]

    def run(self, action_id: str) -> bool:
        """Do it if it can be done now; says whether it was."""
        action = self._by_id[action_id]
        if not action.enabled():
            return False
        action.callback()
        return True

    def find(self, text: str) -> list[Action]:
        """Return the actions that can be done now whose words hold every word of `text`, best match first."""
        parts = text.casefold().split()
        found: list[tuple[int, int, Action]] = []
        for order, action in enumerate(self._by_id.values()):
            words = f"{action.words} {action.group}".casefold()
            if not action.enabled() or not all(part in words for part in parts):
                continue
            starts = sum(any(word.startswith(part) for word in words.split()) for part in parts)
            found.append((-starts, order, action))
        return [action for _, _, action in sorted(found, key=lambda entry: entry[:2])]
