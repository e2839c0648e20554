"""Forgetting somebody in what was written about him: rows that mention him, and what the ledger and desks keep.

``participant.erase`` does it to the rows, the centre to its ledger, a desk to its outbox. Two ways complement each
other. *By place*: a field that holds personal data, in the row that is his (or a claim of his alone) or in a command
that is about him. *By text*: where his name or contact stands in anything else that a command about him says, as in the
report of an import, and in what people wrote into other rows that his claims lead to. All else is left as it is: other
people's own rows and claims, namesakes too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, TypeVar

from msgspec import structs

from server_sync.protocol.ids import Id
from server_sync.protocol.records import Record

R = TypeVar("R", bound=Record)

ERASED_NAME: Final = "Erased person"

PERSONAL: Final = frozenset(
    (
        "display_name", "first_name", "last_name", "external_id", "school", "grade", "age", "contact", "metadata",
        "reserved_name", "reserved_contact", "special_requirements",
    )
)  # fmt: skip
"""The columns, and arguments, that say who somebody is."""

_HIS: Final = ("participants", "slot_reservations")
_NAMES: Final = ("display_name", "first_name", "last_name", "external_id")
_OF_PEOPLE: Final = ("slot_reservations", "reservation_members", "flags")
_ABOUT: Final = ("participant_id", "reservation_id", "duplicate_id")
_SHORTEST: Final = 3
_MORE_CONTACTS: Final = re.compile(r"[;,\n]")


@dataclass
class Forgotten:
    """Who is forgotten: ``ids`` of his rows and of claims of his alone, and what he was known by.

    ``among`` are the other rows that are looked through for him; None for any.
    """

    ids: frozenset[Id]
    among: frozenset[Id] | None = None
    texts: set[str] = field(default_factory=set)
    codes: set[str] = field(default_factory=set)
    """External ids: recognised only where one is the whole text, since it may be any number."""
    now: Forgotten | None = None

    def remembering(self) -> Forgotten:
        """The same, to ``learn`` what he was called before, too.

        Of other rows the ledger must tell what they are now, and those were rid of what he is called now.
        """
        return Forgotten(self.ids, self.among, set(self.texts), set(self.codes), now=self)

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
        """The arguments of a command. *created*: it made him (a walk-in makes a person and a claim), or would have."""
        if not isinstance(args, dict):
            return self.text(args)
        if kind == "import.apply" and isinstance(args.get("document"), dict):
            return args | {"document": self._document(args["document"])}
        return self.text(_blank(args) if created or self._about_him(command_id, args) else args)

    def called(self, args: Any) -> bool:
        """Whether arguments that name a new person name him: of a refused command nothing else tells who was meant."""
        meant = Forgotten(frozenset())
        meant.learn({name: args.get(name) for name in _NAMES} if isinstance(args, dict) else None)
        return bool(meant.texts & self.texts or meant.codes & self.codes)

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
        if table == "participants" or (self.among is not None and id not in self.among):
            return effect
        now = self.now or self
        return [table, id, now._row(table, before), now._row(table, after)]

    def row(self, row: R) -> R:
        """A row that is not his own person's, as it is once nothing that people wrote into it repeats him."""
        written = {name: getattr(row, name) for name in row.__struct_fields__ if name in _WRITTEN}
        return structs.replace(row, **self._row(row.TABLE, written) or {})

    def _row(self, table: str, row: dict[str, Any] | None) -> dict[str, Any] | None:
        """A row or some fields of it. A code is his only where people are meant: an event may have that number too."""
        if row is None:
            return None
        without = self.text if table in _OF_PEOPLE else self._named
        return {name: without(value) if name in _WRITTEN else value for name, value in row.items()}

    def mentioned_in(self, effects: Iterable[Any]) -> set[Id]:
        """The other rows among *effects* that say something of him."""
        effects = list(effects)
        pairs = zip(effects, self.effects(effects), strict=True)
        return {effect[1] for effect, bare in pairs if effect != bare} - self.ids

    def created(self, effects: Iterable[Any]) -> bool:
        """Whether a command with these effects brought him forth."""
        return any(table == "participants" and id in self.ids and before is None for table, id, before, _ in effects)

    def text(self, value: Any) -> Any:
        """Any JSON, without his names, contacts and codes."""
        return _each(value, lambda text: ERASED_NAME if text in self.codes else self._unnamed(text))

    def _named(self, value: Any) -> Any:
        """Any JSON, without his names and contacts."""
        return _each(value, self._unnamed)

    def _unnamed(self, text: str) -> str:
        return self._pattern.sub(ERASED_NAME, text) if self.texts else text

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


_WRITTEN: Final = PERSONAL - {"external_id"} | {
    "override_reason", "waived_reason", "status_reason", "notes", "description", "details", "resolution", "artists",
}  # fmt: skip
"""The columns that hold what somebody wrote. (Another row's external id is how files know that row: it stays.)"""


def _each(value: Any, change: Callable[[str], str]) -> Any:
    """Any JSON with each text in it changed."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {name: _each(held, change) for name, held in value.items()}
    return [_each(held, change) for held in value] if isinstance(value, list) else value


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
