"""Becoming a desk: implements ``EnrolPort`` over the server, the token's place and the store."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path

from desktop.qt.i18n import tr
from desktop.remote.address import scanned_invitation, server_address
from desktop.remote.enrolment import enrol
from desktop.remote.token_store import TokenStore
from desktop.store.desk_store import Store
from desktop.store.outbox import Identity
from desktop.store.profile import Profile
from desktop.store.refusals import StoreRefusal, refusal_of
from desktop.sync.ports import Failure
from desktop.sync.status import Status
from desktop.widgets.records import Outcome, SyncProgress, Tone
from server_sync.protocol.commands import EnrolReply, EnrolRequest
from server_sync.protocol.ids import is_id, new_id

LOCAL_SERVER = "http://127.0.0.1:8000"
"""Where a server on this very computer listens unless told otherwise."""


class FirstRun:
    """``open_desk`` is called with the token once the desk is enrolled; ``say`` posts a notice.

    ``status`` is called with each status of the engine that ``open_desk`` started.
    """

    def __init__(
        self,
        profile: Profile,
        store: Store,
        open_desk: Callable[[str], Awaitable[None]],
        say: Callable[[str], None],
    ) -> None:
        self._profile = profile
        self._store = store
        self._open_desk = open_desk
        self._say = say
        self._progress: Callable[[SyncProgress], None] | None = None
        self._whole = asyncio.Event()

    def status(self, status: Status) -> None:
        """Follow the first sync."""
        if status.filling is not None and self._progress is not None:
            self._progress(SyncProgress(*status.filling))
        if status.whole:
            self._whole.set()

    async def enrol(self, code: str, server: str, progress: Callable[[SyncProgress], None]) -> Outcome:
        """As ``EnrolPort.enrol``."""
        scanned = scanned_invitation(code)
        typed, one_time = scanned if scanned is not None else (server or LOCAL_SERVER, code)
        address = server_address(typed)
        if isinstance(address, Failure):
            return Outcome(False, address.words, Tone.BAD)
        known = self._device()
        if isinstance(known, StoreRefusal):
            return Outcome(False, known.words, Tone.BAD)
        device, proof = known
        reply = await enrol(address, EnrolRequest(code=one_time, device=device, proof=proof))
        if isinstance(reply, Failure):
            return Outcome(False, reply.words, Tone.BAD, tr("Asked {server}.", server=address))
        refusal = await self._become(reply, address)
        if refusal is not None:
            return Outcome(False, refusal.words, Tone.BAD)
        self._progress = progress
        progress(SyncProgress())
        await self._open_desk(reply.token)
        await self._whole.wait()
        return Outcome(True, tr("This desk is {name}", name=reply.name))

    async def practise(self, progress: Callable[[SyncProgress], None]) -> Outcome:
        """As ``EnrolPort.practise``: the practice day is served like any other."""
        words = tr("The practice day needs a server on this computer.")
        return Outcome(False, words, Tone.WARN, tr("Start it with: python3 dev.py demo"))

    async def _become(self, reply: EnrolReply, address: str) -> StoreRefusal | None:
        try:
            notice = TokenStore(reply.device, self._profile.token).save(reply.token)
        except OSError as error:
            refusal = refusal_of(error, self._profile.token)
            if refusal is None:
                raise
            return refusal
        identity = Identity(
            device=reply.device, name=reply.name, ceiling=reply.ceiling, programme=reply.programme,
            programme_name=reply.programme_name, practice=reply.practice, server=address,
        )  # fmt: skip
        enrolled = await self._store.enrol(identity)
        if notice:
            self._say(notice)
        return enrolled

    def _device(self) -> tuple[str, str] | StoreRefusal:
        """The id and proof that this profile gave itself: the same at each attempt, since an answer may get lost."""
        file = _device_file(self._profile)
        try:
            known = file.read_text(encoding="ascii").split() if file.is_file() else []
            if len(known) == 2 and is_id(known[0]):
                return known[0], known[1]
            device, proof = new_id(), secrets.token_urlsafe(24)
            file.touch(mode=0o600)
            file.write_text(f"{device} {proof}", encoding="ascii")
        except OSError as error:
            refusal = refusal_of(error, file)
            if refusal is None:
                raise
            return refusal
        return device, proof


async def leave(profile: Profile, store: Store) -> StoreRefusal | None:
    """Be this desk no longer: wipe the copy of the programme, forget id and token. What was asked here is kept.

    The token goes last: whoever is stopped halfway hears from the server once more, and does it all again.
    """
    identity = store.identity
    refusal = await store.leave()
    try:
        _device_file(profile).unlink(missing_ok=True)
        if identity is not None:
            TokenStore(identity.device, profile.token).forget()
    except OSError as error:
        refusal = refusal_of(error, profile.folder)
        if refusal is None:
            raise
    return refusal


def _device_file(profile: Profile) -> Path:
    return profile.folder / "device"
