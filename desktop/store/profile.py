"""A profile is a folder: two databases, a lock, and perhaps a token. One window at a time uses it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from desktop.store.refusals import StoreCode, StoreRefusal, refusal_of


@dataclass(frozen=True, slots=True)
class Profile:
    """An open, locked profile."""

    folder: Path
    _lock: FileLock

    @classmethod
    def open(cls, folder: Path) -> Profile | StoreRefusal:
        """Make the folder if need be and lock it. ``IN_USE`` if another process holds it."""
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = FileLock(folder / "profile.lock", timeout=0)
            lock.acquire()
        except Timeout:
            return StoreRefusal(StoreCode.IN_USE, folder)
        except OSError as error:
            refusal = refusal_of(error, folder)
            if refusal is None:
                raise
            return refusal
        return cls(folder, lock)

    @property
    def outbox(self) -> Path:
        """The sacred file."""
        return self.folder / "outbox.db"

    @property
    def cache(self) -> Path:
        """The file that may be thrown away."""
        return self.folder / "cache.db"

    @property
    def token(self) -> Path:
        """Where the token lies if this computer has no keyring."""
        return self.folder / "token"

    def close(self) -> None:
        """Let others use it."""
        self._lock.release()
