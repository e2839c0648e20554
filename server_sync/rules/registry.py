"""Every kind of command there is, in one table."""

from __future__ import annotations

from typing import Any, Final

from server_sync.protocol.commands import Envelope
from server_sync.rules import (
    access,
    assign,
    attend,
    block_update,
    blocks,
    cancel,
    closing,
    confirm,
    create,
    erase,
    event_rules,
    expire,
    generate_slots,
    hold,
    import_file,
    leave_programme,
    line,
    merge,
    move,
    people,
    postpone,
    reinstate,
    reserve,
    resolve_flag,
    retire,
    room_day,
    seats,
    slots,
    swap,
    undo,
    update,
    update_reservation,
    walk_in,
)
from server_sync.rules.command import Rule

RULES: Final[dict[str, Rule[Any]]] = {
    rule.kind: rule
    for rule in (
        *create.RULES,
        *update.RULES,
        *event_rules.RULES,
        blocks.RULE,
        block_update.RULE,
        *slots.RULES,
        *closing.RULES,
        *postpone.RULES,
        *retire.RULES,
        *people.RULES,
        *leave_programme.RULES,
        merge.RULE,
        erase.RULE,
        generate_slots.RULE,
        *reserve.RULES,
        hold.RULE,
        expire.RULE,
        *seats.RULES,
        cancel.RULE,
        move.RULE,
        confirm.RULE,
        swap.RULE,
        reinstate.RULE,
        walk_in.RULE,
        update_reservation.RULE,
        assign.RULE,
        *line.RULES,
        *attend.RULES,
        undo.RULE,
        *room_day.RULES,
        resolve_flag.RULE,
        *access.RULES,
        import_file.RULE,
    )
}
"""By kind. A desk that knows fewer kinds than the centre shows their effects and can't give them."""


def rule_for(envelope: Envelope) -> Rule[Any] | None:
    """The rule that reads a command; None for a kind that nobody knows, as one of a later version is until a rule
    reads it."""
    return RULES.get(envelope.kind) if envelope.v == 1 else None
