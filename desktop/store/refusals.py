"""Every way in which the disk says no, as values with words that say what to do."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from sqlalchemy.exc import DBAPIError


class StoreCode(StrEnum):
    """What is the matter."""

    DISK_FULL = "DISK_FULL"
    BUSY = "BUSY"
    READ_ONLY = "READ_ONLY"
    UNREADABLE = "UNREADABLE"
    CORRUPT = "CORRUPT"
    OUTBOX_DAMAGED = "OUTBOX_DAMAGED"
    NEWER = "NEWER"
    IN_USE = "IN_USE"
    NOT_ENROLLED = "NOT_ENROLLED"
    CURSOR = "CURSOR"
    NOT_UNDERSTOOD = "NOT_UNDERSTOOD"


_WORDS: Final[dict[StoreCode, str]] = {
    StoreCode.DISK_FULL: "This computer's disk is full: nothing more can be recorded. Free some space and try again.",
    StoreCode.BUSY: "Another program holds {path} (a backup, or a check for viruses). Try again in a moment.",
    StoreCode.READ_ONLY: "Callboard may not write to its folder {path}. Give this user the right to, and try again.",
    StoreCode.UNREADABLE: "Callboard can't open {path}. Look whether the folder is there and may be used.",
    StoreCode.CORRUPT: "The copy of the programme on this computer is damaged; it will be fetched again. "
    "Nothing that was recorded here is lost.",
    StoreCode.OUTBOX_DAMAGED: "The file with this desk's unsent actions is damaged: {path}. It was left as it is. "
    "Keep a copy, and start with another profile.",
    StoreCode.NEWER: "{path} was written by a newer Callboard. Use that version on this computer.",
    StoreCode.IN_USE: "This profile is open in another window.",
    StoreCode.NOT_ENROLLED: "This desk is not enrolled yet.",
    StoreCode.CURSOR: "This answer does not follow what this desk has; it was not used.",
    StoreCode.NOT_UNDERSTOOD: "The server sent something that this version of Callboard can't read. Update Callboard.",
}


@dataclass(frozen=True, slots=True)
class StoreRefusal:
    """An expected no of the disk. ``path`` is the file or folder that it is about."""

    code: StoreCode
    path: Path | None = None

    @property
    def words(self) -> str:
        """The refusal for a person, with what to do."""
        return _WORDS[self.code].format(path=self.path)


_BY_SQLITE: Final[dict[int, StoreCode]] = {
    sqlite3.SQLITE_FULL: StoreCode.DISK_FULL,
    sqlite3.SQLITE_IOERR: StoreCode.DISK_FULL,  # what a quota or a file size limit looks like
    sqlite3.SQLITE_BUSY: StoreCode.BUSY,
    sqlite3.SQLITE_LOCKED: StoreCode.BUSY,
    sqlite3.SQLITE_READONLY: StoreCode.READ_ONLY,
    sqlite3.SQLITE_PERM: StoreCode.READ_ONLY,
    sqlite3.SQLITE_CANTOPEN: StoreCode.UNREADABLE,
    sqlite3.SQLITE_CORRUPT: StoreCode.CORRUPT,
    sqlite3.SQLITE_NOTADB: StoreCode.CORRUPT,
}


def refusal_of(error: Exception, path: Path) -> StoreRefusal | None:
    """The refusal that *error* (of SQLAlchemy or the file system) stands for; None if it is a bug, to be raised on."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, sqlite3.Error):
        number = getattr(cause, "sqlite_errorcode", None)
        code = _BY_SQLITE.get(number & 0xFF) if isinstance(number, int) else None
        return StoreRefusal(code, path) if code is not None else None
    if isinstance(cause, PermissionError):
        return StoreRefusal(StoreCode.READ_ONLY, path)
    if isinstance(cause, OSError):
        full = cause.errno in (28, 122)  # ENOSPC, EDQUOT
        return StoreRefusal(StoreCode.DISK_FULL if full else StoreCode.UNREADABLE, path)
    return None
