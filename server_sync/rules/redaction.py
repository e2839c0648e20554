"""Forgetting somebody in what was written about him: the arguments, answers and effects that the ledger and desks keep.

The centre does it to its ledger and flags, a desk to its outbox. Two ways complement each other. *By place*: a field
that holds personal data, in the row that is his (or a claim of his alone) or in a command that is about him. *By text*:
where his name or contact stands in anything else that a command about him says, as in the report of an import. Other
people's rows in the same commands are left as they are, namesakes too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from server_sync.protocol.ids import Id

ERASED_NAME: Final = "Erased person"

PERSONAL: Final = frozenset(
    (
        "display_name", "first_name", "last_name", "external_id", "school", "grade", "age", "contact", "metadata",
        "reserved_name", "reserved_contact", "special_requirements",
    )
)  # fmt: skip
"""The columns, and arguments, that say who somebody is."""

_HIS: Final = ("participants", "slot_reservations")
_ABOUT: Final = ("participant_id", "reservation_id", "duplicate_id")
_SHORTEST: Final = 3
_MORE_CONTACTS: Final = re.compile(r"[;,\n]")


@dataclass
class Forgotten:
    """Who is forgotten: ``ids`` of his rows and of claims of his alone, and what he was known by."""

    ids: frozenset[Id]
    texts: set[str] = field(default_factory=set)
    codes: set[str] = field(default_factory=set)
    """External ids: recognised only where one is the whole text, since it may be any number."""

    def learn(self, row: dict[str, Any] | None) -> None:
        """Remember what a row of his (or a part of one, as JSON) calls him."""
        if not row:
            return
        first, last = row.get("first_name"), row.get("last_name")
        texts = [row.get("display_name"), row.get("reserved_name")]
        if first and last:
            texts += [f"{first} {last}", f"{last} {first}", f"{last}, {first}"]
        for contact in (row.get("contact"), row.get("reserved_contact")):
            texts += [contact, *_MORE_CONTACTS.split(contact or "")]
        found = {text.strip() for text in texts if isinstance(text, str)}
        self.texts |= {text for text in found if len(text) >= _SHORTEST and text != ERASED_NAME}
        if isinstance(row.get("external_id"), str):
            self.codes.add(row["external_id"])
        self.__dict__.pop("_pattern", None)

    def learn_effects(self, effects: Iterable[Any]) -> None:
        """Remember what a command's effects called him before and after."""
        for table, id, before, after in effects:
            if table in _HIS and id in self.ids:
                self.learn(before)
                self.learn(after)

    # ------------------------------------------------------------------ redacted

    def args(self, kind: str, command_id: Id, args: Any, created: bool = False) -> Any:
        """The arguments of a command about him. *created*: it made him (a walk-in makes a person and a claim)."""
        if not isinstance(args, dict):
            return self.text(args)
        if kind == "import.apply" and isinstance(args.get("document"), dict):
            return args | {"document": self._document(args["document"])}
        return self.text(_blank(args) if created or self._about_him(command_id, args) else args)

    def _about_him(self, command_id: Id, args: dict[str, Any]) -> bool:
        named = args.get("participant_ids")
        people = isinstance(named, list) and bool(named) and self.ids.issuperset(filter(_is_text, named))
        return command_id in self.ids or people or any(args.get(name) in self.ids for name in _ABOUT)

    def effects(self, effects: list[Any]) -> list[Any]:
        """A command's effects: his rows without what is personal, and flags that name him."""
        return [self._effect(effect) for effect in effects]

    def _effect(self, effect: list[Any]) -> list[Any]:
        table, id, before, after = effect
        if table in _HIS and id in self.ids:
            return [table, id, _blank(before), _blank(after)]
        if table == "participants":
            return effect
        return [table, id, self._row(before), self._row(after)]

    def _row(self, row: dict[str, Any] | None) -> dict[str, Any] | None:
        """Somebody else's row: only what repeats him, in what people wrote."""
        return None if row is None else {name: self._written(name, value) for name, value in row.items()}

    def _written(self, name: str, value: Any) -> Any:
        return self.text(value) if name in _WRITTEN else value

    def created(self, effects: Iterable[Any]) -> bool:
        """Whether a command with these effects brought him forth."""
        return any(table == "participants" and id in self.ids and before is None for table, id, before, _ in effects)

    def text(self, value: Any) -> Any:
        """Any JSON, without his names, contacts and codes."""
        if isinstance(value, str):
            if value in self.codes:
                return ERASED_NAME
            return self._pattern.sub(ERASED_NAME, value) if self.texts else value
        if isinstance(value, dict):
            return {name: self.text(held) for name, held in value.items()}
        return [self.text(held) for held in value] if isinstance(value, list) else value

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        longest_first = sorted(self.texts, key=lambda text: (-len(text), text))
        return re.compile("|".join(rf"(?<!\w){re.escape(text)}(?!\w)" for text in longest_first))

    # ------------------------------------------------------------------- imports

    def _document(self, document: dict[str, Any]) -> dict[str, Any]:
        """An import: his entry in it, the claims that name it by its key, and what the rest says of him."""
        people, keys = [], {}
        for number, said in enumerate(document.get("people", ())):
            if self._is_his(said):
                keys[said["key"]] = f"erased:{number}"
                said = _blank(said) | {"key": keys[said["key"]]}
            people.append(said)
        rest = {name: held for name, held in document.items() if name != "people"}
        claims = [
            claim | {"people": [keys.get(key, key) for key in claim.get("people", ())]}
            for claim in document.get("claims", ())
        ]
        if "claims" in rest:
            rest["claims"] = claims
        return self.text(rest) | ({"people": people} if "people" in document else {})  # type: ignore[no-any-return]

    def _is_his(self, said: dict[str, Any]) -> bool:
        code = said.get("external_id")
        return code in self.codes if code is not None else said.get("display_name") in self.texts


_WRITTEN: Final = PERSONAL | {
    "override_reason", "waived_reason", "status_reason", "notes", "description", "details", "resolution", "artists",
}  # fmt: skip
"""The columns that hold what somebody wrote."""


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _blank(value: Any) -> Any:
    """JSON without what is personal in it, at any depth."""
    if isinstance(value, dict):
        return {name: _blanked(name, held) for name, held in value.items()}
    return [_blank(held) for held in value] if isinstance(value, list) else value


def _blanked(name: str, held: Any) -> Any:
    if name not in PERSONAL:
        return _blank(held)
    return ERASED_NAME if name == "display_name" and held is not None else None
