"""How a caller may spell a request: names of fields in snake_case or camelCase, UUIDs in lower or upper case.

A name that is not known is refused and never let go: it may be a limit misspelt, without which more would be done than
was asked for. What is free in form (metadata, settings) stays as it was sent.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, Final

import msgspec
from msgspec import inspect

from server_sync.protocol.errors import INVALID, Refusal
from server_sync.protocol.ids import GivenId

_CAMEL: Final = re.compile(r"(?<=[a-z0-9])([A-Z])")
_ID: Final = inspect.type_info(GivenId)

Respell = Callable[[Any, str], Any]
"""A value and its place in the request, as the struct has it; or a ``Refusal``."""


class Spelling:
    """What the fields of one struct may be called; an instance a struct (see ``spelling_of``)."""

    def __init__(self, shape: type[msgspec.Struct]) -> None:
        described = inspect.type_info(shape)
        assert isinstance(described, inspect.StructType)
        self.known = [field.encode_name for field in described.fields]
        self._fields: dict[str, tuple[str, Respell | None]] = {}
        for field in described.fields:
            found = (field.encode_name, _respelling(field.type))
            self._fields[field.encode_name] = self._fields[snake(field.encode_name)] = found

    def read(self, given: Iterable[tuple[str, Any]], place: str = "", what: str = "field") -> dict[str, Any] | Refusal:
        """*given* names and values as the struct spells them. *place* is what comes before a name, *what* it is."""
        told: dict[str, Any] = {}
        for name, value in given:
            found = self._fields.get(name) or self._fields.get(snake(name))
            if found is None:
                known = {"known": self.known} if self.known else {}
                return Refusal(INVALID, {"problem": f"no such {what}", "field": place + name[:100], **known})
            ours, respell = found
            if ours in told:
                return Refusal(INVALID, {"problem": f"a {what} that is there twice", "field": place + ours})
            if respell is not None:
                value = respell(value, place + ours)
                if isinstance(value, Refusal):
                    return value
            told[ours] = value
        return told


@cache
def spelling_of(shape: type[msgspec.Struct]) -> Spelling:
    """The spelling of *shape*, made once."""
    return Spelling(shape)


def snake(name: str) -> str:
    """``slotId`` as ``slot_id``."""
    return _CAMEL.sub(r"_\1", name).lower()


def _respelling(type: inspect.Type) -> Respell | None:
    """How values of *type* are respelt; None if they are taken as they are. What has a wrong type is left as it is."""
    if isinstance(type, inspect.UnionType):
        several = [found for part in type.types if (found := _respelling(part)) is not None]
        assert len(several) < 2, "which of them a value is would have to be guessed"
        return several[0] if several else None
    if type == _ID:
        return lambda value, place: value.lower() if isinstance(value, str) else value
    if isinstance(type, inspect.StructType):
        spelling = spelling_of(type.cls)
        return lambda value, place: spelling.read(value.items(), f"{place}.") if isinstance(value, dict) else value
    item = _respelling(type.item_type) if isinstance(type, (inspect.ListType, inspect.VarTupleType)) else None
    return None if item is None else _each(item)


def _each(respell: Respell) -> Respell:
    """*respell* for all members of a list; the first refusal is that of the list."""

    def read(values: Any, place: str) -> Any:
        if not isinstance(values, list):
            return values
        told = []
        for number, value in enumerate(values):
            value = respell(value, f"{place}[{number}]")
            if isinstance(value, Refusal):
                return value
            told.append(value)
        return told

    return read
