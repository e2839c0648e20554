"""What the embedded Postgres will not do, and that it says so in words that help, and changes nothing."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from server_sync.embedded import CannotStart, EmbeddedPostgres
from tests.embedded.conftest import Served, ask


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_second_start_on_the_same_folder(folder: Path, serve_process: Callable[..., Served]) -> None:
    """One server to a folder, whether the other is in this process or not; the first is not disturbed."""
    with EmbeddedPostgres(folder) as server:
        with pytest.raises(CannotStart, match=rf"process {os.getpid()}\) is already using .*name another folder"):
            EmbeddedPostgres(folder)
        said = serve_process(folder).said
        assert said.startswith("CANNOT START: Another Callboard server")
        assert ask(server.dsn, "SELECT 1") == "1"


def test_data_of_another_version(folder: Path) -> None:
    """Another major version's data is left as it is, and the way out is named."""
    EmbeddedPostgres(folder).stop()
    (folder / "data" / "PG_VERSION").write_text("17\n")
    before = contents(folder / "data")
    with pytest.raises(CannotStart, match=r"written by Postgres 17.*comes with Postgres 18.*DATABASE_URL"):
        EmbeddedPostgres(folder)
    assert contents(folder / "data") == before
    (folder / "data" / "PG_VERSION").write_text("18\n")
    EmbeddedPostgres(folder).stop()


def test_a_folder_of_something_else(folder: Path) -> None:
    """A folder in use for something else is not touched, not even its owner or mode."""
    (folder / "thesis.txt").write_text("years of work")
    folder.chmod(0o755)
    before = folder.stat()
    with pytest.raises(CannotStart, match="holds files that are no Callboard database"):
        EmbeddedPostgres(folder)
    after = folder.stat()
    assert (after.st_uid, after.st_mode) == (before.st_uid, before.st_mode)
    assert contents(folder) == {"thesis.txt": b"years of work"}


def test_a_file_for_a_folder(folder: Path) -> None:
    """A file is no folder."""
    file = folder / "file"
    file.touch()
    with pytest.raises(CannotStart, match="is not a folder"):
        EmbeddedPostgres(file)


def test_a_lost_password(folder: Path) -> None:
    """Without its password the data is no use, and a new one would not fit: say what to bring back."""
    EmbeddedPostgres(folder).stop()
    (folder / "password").rename(folder / "password.kept")
    with pytest.raises(CannotStart, match=r"password is missing.*Put the file back"):
        EmbeddedPostgres(folder)
    (folder / "password.kept").rename(folder / "password")
    EmbeddedPostgres(folder).stop()


def test_a_parameter_that_postgres_refuses(folder: Path) -> None:
    """What Postgres itself says reaches the person, and the folder is free again."""
    with pytest.raises(CannotStart, match='invalid value for parameter "shared_buffers"'):
        EmbeddedPostgres(folder, settings={"shared_buffers": "much"})
    EmbeddedPostgres(folder).stop()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="an ordinary user has no such problem")
def test_a_folder_that_the_unprivileged_user_cannot_reach() -> None:
    """Root's own closed folder is no place for a database that another user runs."""
    words = r"cannot reach .* because a folder above it is closed"
    with tempfile.TemporaryDirectory() as closed, pytest.raises(CannotStart, match=words):
        EmbeddedPostgres(Path(closed) / "database")
