"""Who bears a token: secrets made, and read back as principals.

No secret is stored: a credential's or an enrolment's id is the ``secret_id`` of its token or code. New secrets derive
from the server's own secret and the command that brings them forth, so that a repeated request (its reply was lost)
is answered with the same token, and nobody who lacks the server's secret can guess it.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable
from typing import Final

from server_sync.authority.connection import Pool
from server_sync.authority.principal import PUBLIC, Principal
from server_sync.protocol.errors import NOT_SIGNED_IN, Refusal
from server_sync.protocol.ids import ALPHABET, Id, secret_id

CODE_LENGTH: Final = 8
FRESH_SECONDS: Final = 1.0
"""How long a process trusts what it knows of a token: a revocation elsewhere takes effect within this."""
MOST_CACHED: Final = 10_000

ROOT: Final = Principal("root", "root", "admin")
"""Whoever runs the server: makes programmes, and acts in any of them."""

_READ_AS: Final = str.maketrans({"I": "1", "L": "1"})  # no code holds these; a hurried reader types them for a 1

_FIND: Final = """
SELECT c.holder, c.holder_id::text, c.role, c.programme_id::text, coalesce(d.name, s.name) AS name,
       c.revoked_at IS NOT NULL OR d.revoked_at IS NOT NULL AS revoked,
       c.deleted IS TRUE OR s.is_active IS FALSE OR coalesce(d.name, s.name) IS NULL AS gone
FROM credentials c
LEFT JOIN devices d ON c.holder = 'device' AND d.id = c.holder_id AND d.deleted IS NOT TRUE
LEFT JOIN staff s ON c.holder = 'staff' AND s.id = c.holder_id AND s.deleted IS NOT TRUE
WHERE c.id = $1::uuid
"""


def spell_code(code: str) -> str:
    """A code as people read it: ``7K3M-9QXT``."""
    return f"{code[:4]}-{code[4:]}"


def read_code(text: str) -> str:
    """A code as typed, in any case, with or without dashes and spaces."""
    return "".join(text.upper().split()).replace("-", "").translate(_READ_AS)


def not_signed_in(reason: str) -> Refusal:
    """``NOT_SIGNED_IN`` with why: ``missing``, ``unknown`` or ``revoked``; a desk wipes its cache at the last alone."""
    return Refusal(NOT_SIGNED_IN, {"reason": reason})


class Credentials:
    """Tokens by their ids, as this process knows them for a moment.

    ``secret`` is the server's own (``server_settings``); ``root_token`` is one that its keeper chose, if any.
    """

    def __init__(
        self,
        pool: Pool,
        secret: bytes,
        root_token: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pool = pool
        self._secret = secret
        self._clock = clock
        self._root_ids = {secret_id(token) for token in (self.root_token(), root_token) if token}
        self._known: dict[Id, tuple[float, Principal]] = {}

    async def principal(self, token: str | None) -> Principal | Refusal:
        """Whose *token* this is; no token is the public, and a wrong one a refusal that says why."""
        if not token:
            return PUBLIC
        token_id = secret_id(token)
        if token_id in self._root_ids:
            return ROOT
        known = self._known.get(token_id)
        if known is not None and known[0] > self._clock():
            return known[1]
        return await self._look_up(token_id)

    async def _look_up(self, token_id: Id) -> Principal | Refusal:
        asked_at = self._clock()
        rows = await self._pool.fetch(_FIND, token_id)
        self._known.pop(token_id, None)
        row = rows[0] if rows else None
        if row is None or row["gone"]:
            return not_signed_in("unknown")
        if row["revoked"]:
            return not_signed_in("revoked")
        holder, holder_id = row["holder"], row["holder_id"]
        principal = Principal(
            id=f"{holder}:{holder_id}",
            actor=row["name"],
            role=row["role"],
            programme_id=row["programme_id"],
            device_id=holder_id if holder == "device" else None,
        )
        if len(self._known) >= MOST_CACHED:
            self._known.clear()
        self._known[token_id] = (asked_at + FRESH_SECONDS, principal)
        return principal

    def forget(self) -> None:
        """Look every token up again: something about them changed."""
        self._known.clear()

    def token_for(self, command_id: Id) -> str:
        """The token that the command gives out: 256 bits, the same however often it is asked."""
        return "cbt_" + self._derive(f"token:{command_id}").hex()

    def code_for(self, command_id: Id) -> str:
        """The eight characters (40 bits) that the command invites with, for one desk and a quarter of an hour."""
        number = int.from_bytes(self._derive(f"code:{command_id}"), "big")
        letters = []
        for _ in range(CODE_LENGTH):
            number, digit = divmod(number, len(ALPHABET))
            letters.append(ALPHABET[digit])
        return "".join(letters)

    def root_token(self) -> str:
        """The token of whoever runs this server; it follows from the server's secret, so it is stored nowhere."""
        return "cbr_" + self._derive("root").hex()

    def _derive(self, name: str) -> bytes:
        return hmac.digest(self._secret, name.encode(), hashlib.sha256)
