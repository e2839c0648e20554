"""The kinds of commands as data: their arguments and who may give them, for faces that describe or forward them."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from server_sync.rules.registry import RULES

ARGUMENTS: Final[dict[str, type[msgspec.Struct]]] = {kind: rule.args for kind, rule in RULES.items()}


def body_of(
    kind: str, name: str, leave: tuple[str, ...] = (), more: tuple[tuple[str, Any, Any], ...] = ()
) -> type[msgspec.Struct]:
    """The arguments of *kind* as a request's body called *name*: without those that its path gives, with *more*.

    *more* are ``(field, type, default)``.
    """
    fields: list[Any] = []
    for info in msgspec.structs.fields(ARGUMENTS[kind]):
        if info.name in leave:
            continue
        if info.required:
            fields.append((info.name, info.type))
        elif info.default is not msgspec.NODEFAULT:
            fields.append((info.name, info.type, info.default))
        else:
            fields.append((info.name, info.type, msgspec.field(default_factory=info.default_factory)))
    fields += more
    body = msgspec.defstruct(name, fields, frozen=True, kw_only=True, omit_defaults=True)
    body.__doc__ = ARGUMENTS[kind].__doc__
    return body
