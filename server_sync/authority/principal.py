"""Who asks."""

from __future__ import annotations

from dataclasses import dataclass

from server_sync.protocol.ids import Id
from server_sync.protocol.records import Role


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller as authenticated. ``id`` scopes idempotency (``device:…``, ``staff:…``, ``public``, ``root``);
    ``actor`` is what the audit trail says; ``programme_id`` is None for callers that may name one."""

    id: str
    actor: str
    role: Role
    programme_id: Id | None = None
    device_id: Id | None = None


PUBLIC = Principal("public", "public", "public")
