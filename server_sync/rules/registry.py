"""Every kind of command there is, in one table."""

from __future__ import annotations

from typing import Any, Final

from server_sync.rules import (
    access,
    attend,
    blocks,
    cancel,
    create,
    generate_slots,
    import_file,
    move,
    reserve,
    resolve_flag,
    room_day,
    undo,
)
from server_sync.rules.command import Rule

RULES: Final[dict[str, Rule[Any]]] = {
    rule.kind: rule
    for rule in (
        *create.RULES,
        blocks.RULE,
        generate_slots.RULE,
        *reserve.RULES,
        cancel.RULE,
        move.RULE,
        *attend.RULES,
        undo.RULE,
        room_day.RULE,
        resolve_flag.RULE,
        *access.RULES,
        import_file.RULE,
    )
}
"""By kind. A desk that knows fewer kinds than the centre shows their effects and can't give them."""
