"""DATABASE_URL, or the embedded one."""

from __future__ import annotations

from pathlib import Path

import pytest

from server_sync.embedded import CannotStart, EmbeddedPostgres, database
from tests.embedded.conftest import ask, is_gone


def test_without_the_variable_the_embedded_one_is_started_and_stopped(folder: Path) -> None:
    """It lives as long as the context."""
    with database(folder, {}) as given:
        assert given.embedded is not None
        pid = given.embedded.pid
        assert ask(given.url, "SELECT current_database()") == "callboard"
    assert is_gone(pid)


def test_the_variable_names_another(postgres: EmbeddedPostgres, folder: Path) -> None:
    """Nothing is started or written; a driver named as SQLAlchemy does is understood."""
    named = postgres.url_of("postgres").replace("postgresql://", "postgresql+asyncpg://")
    with database(folder, {"DATABASE_URL": named}) as given:
        assert given.embedded is None
        assert ask(given.url, "SELECT current_database()") == "postgres"
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mysql://me@host/db", "must begin with postgresql://, not mysql://"),
        ("host/db", "is not a URL"),
        ("postgresql://me@host:one/db", "cannot be read: Port"),
        ("postgresql://me@host", "names no database"),
    ],
)
def test_a_variable_that_cannot_be_right(folder: Path, url: str, words: str) -> None:
    """Said at once, before anything tries to connect."""
    with pytest.raises(CannotStart, match=words), database(folder, {"DATABASE_URL": url}):
        pass
