"""What the faces work with: made when the application starts, closed when it stops."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from server_sync.api.settings import Settings
from server_sync.authority.credentials import Credentials
from server_sync.authority.feed import Feed
from server_sync.authority.pokes import Pokes
from server_sync.authority.queries.engine import Reads
from server_sync.authority.queries.slots import SlotLoader
from server_sync.authority.session import Authority
from server_sync.protocol.imports import Import, ImportRefused

ReadFile = Callable[[str, bytes, str], Import | ImportRefused]
"""What reads a file to import: its name, its bytes, and the IANA zone of times that name none."""


@dataclass(frozen=True, slots=True)
class Services:
    """One of each a process."""

    settings: Settings
    authority: Authority
    reads: Reads
    slots: SlotLoader
    credentials: Credentials
    pokes: Pokes
    feed: Feed
    read_file: ReadFile | None = None
