"""Where a desk's token lies: the system's keyring, else a file that only this user can read, said aloud."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import keyring
import keyring.errors

log = logging.getLogger(__name__)

SERVICE: Final = "Callboard"


@dataclass(frozen=True, slots=True)
class TokenStore:
    """The token of one device. *file* is used where there is no keyring."""

    device: str
    file: Path

    def load(self) -> str | None:
        """The token, or None if it is nowhere."""
        if self.file.is_file():
            return self.file.read_text(encoding="ascii").strip() or None
        try:
            return keyring.get_password(SERVICE, self.device)
        except keyring.errors.KeyringError as error:
            log.info("no keyring: %s", error)
            return None

    def save(self, token: str) -> str:
        """Keep *token*; a notice to be shown where it had to go into a file, else "". Raises OSError as files do."""
        try:
            keyring.set_password(SERVICE, self.device, token)
        except keyring.errors.KeyringError as error:
            log.info("no keyring: %s", error)
            self._write(token)
            return f"This computer has no keyring: this desk's key lies in a file that only you can read, {self.file}"
        self.file.unlink(missing_ok=True)
        return ""

    def forget(self) -> None:
        """Be rid of the token, wherever it lies. Raises OSError as files do."""
        self.file.unlink(missing_ok=True)
        try:
            keyring.delete_password(SERVICE, self.device)
        except keyring.errors.KeyringError as error:
            log.info("not in a keyring: %s", error)

    def _write(self, token: str) -> None:
        beside = self.file.with_name(self.file.name + ".new")
        beside.unlink(missing_ok=True)
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(token)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self.file)
