"""What a server process must be told before it starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Settings:
    """``database_url`` is a ``postgresql://`` URL of a migrated database.

    ``root_token`` is one more token for whoever runs the server, beside that which follows from the server's secret.
    ``lanes`` is how many batches a process has in flight at once; bodies are limited in bytes. (A file that is longer
    still is for ``callboard-server import``, which keeps nobody waiting.)
    """

    database_url: str
    root_token: str | None = None
    name: str = "Callboard"
    lanes: int = 1
    most_body: int = 64 * 1024
    most_push: int = 320 * 1024
    most_file: int = 16 * 1024 * 1024

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Self:
        """From ``DATABASE_URL``, ``CALLBOARD_ROOT_TOKEN``, ``APP_NAME``, ``CALLBOARD_LANES``; ValueError in words."""
        url = environ.get("DATABASE_URL", "")
        if not url:
            raise ValueError("DATABASE_URL names no database; start the server with `callboard-server serve`.")
        root_token = environ.get("CALLBOARD_ROOT_TOKEN") or None
        if root_token is not None and len(root_token) < 16:
            raise ValueError("CALLBOARD_ROOT_TOKEN is too short to be a secret: give it 16 characters or more.")
        lanes = environ.get("CALLBOARD_LANES", "1")
        if not lanes.isdigit() or not 1 <= int(lanes) <= 16:
            raise ValueError("CALLBOARD_LANES must be a number from 1 to 16.")
        return cls(url, root_token, environ.get("APP_NAME") or "Callboard", int(lanes))
