"""The folder in which an embedded Postgres lives: its lock, its password, its data, and what must be refused."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import filelock
import psutil

from server_sync.embedded.binaries import (
    Account,
    CannotStart,
    clean_environment,
    major_version,
    reachable_installation,
    run_as,
    unprivileged_account,
)

USER = "callboard"
DATABASE = "callboard"


class DataFolder:
    """A locked folder, ready for Postgres to be started on.

    folder/data is Postgres' own; beside it are password (0600), postgres.log, and lock. All of it belongs to the
    user who runs Postgres: our own, or for root the unprivileged `account`.
    """

    def __init__(self, folder: Path, *, durable: bool = True) -> None:
        """Lock the folder and make it ready; CannotStart says why it is not possible. Not durable: without fsync."""
        self.path = folder.resolve()
        self.data = self.path / "data"
        self.log = self.path / "postgres.log"
        self.account: Account | None = unprivileged_account(self.path)
        self._refuse_foreign_folder()
        self._make_folder()
        self._lock = self._take_lock()
        try:
            self.installation = reachable_installation(self.account)
            self._refuse_other_version()
            self.password = self._read_or_make_password()
            if not self.data.exists():
                self._initialise(durable)
            else:
                self.see_leftovers_off()
        except BaseException:
            self.release()
            raise

    def release(self) -> None:
        """Let somebody else use the folder."""
        self._lock.release()

    # -------------------------------------------------------- whose it is

    def _refuse_foreign_folder(self) -> None:
        """Refuse a folder that is in use for something else, before anything in it is touched."""
        if not self.path.exists():
            return
        if not self.path.is_dir():
            raise CannotStart(f"{self.path} is not a folder. Name a folder for the database.")
        try:
            names = set(os.listdir(self.path))
        except PermissionError as error:
            raise CannotStart(f"{self.path} belongs to another user. Name a folder of your own.") from error
        if names and not names & {"data", "data.new", "lock", "password"}:
            raise CannotStart(
                f"{self.path} holds files that are no Callboard database. Name an empty folder, or one not there yet."
            )
        if self.data.exists() and not (self.data / "PG_VERSION").exists():
            raise CannotStart(f"{self.data} is no Postgres data folder. Name another folder for the database.")

    def _make_folder(self) -> None:
        """Make the folder, 0700, for the user who runs Postgres, and see that this user gets to it."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._give(self.path)
            self.path.chmod(0o700)
        except OSError as error:
            raise CannotStart(f"{self.path} cannot be made ({error.strerror}). Name a folder of your own.") from error
        if self.account is not None and not self._reaches_folder(self.account):
            raise CannotStart(
                f"Postgres does not run as root but as the user {self.account.name}, who cannot reach {self.path} "
                "because a folder above it is closed. Name one that is open, such as /var/lib/callboard/database."
            )

    def _reaches_folder(self, account: Account) -> bool:
        command = ["/bin/sh", "-c", 'cd "$0"', str(self.path)]
        return subprocess.run(command, cwd="/", capture_output=True, check=False, **run_as(account)).returncode == 0

    def _take_lock(self) -> filelock.BaseFileLock:
        """Hold the folder's lock, which the system takes back if this process dies; refuse when somebody has it."""
        lock = filelock.FileLock(self.path / "lock", mode=0o600, thread_local=False)
        owner = self.path / "owner"
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout as error:
            process = owner.read_text().strip() if owner.exists() else "unknown"
            raise CannotStart(
                f"Another Callboard server (process {process}) is already using {self.path}. "
                "Stop that one first, or name another folder."
            ) from error
        owner.write_text(f"{os.getpid()}\n")
        self._give(owner)
        self._give(self.path / "lock")
        return lock

    def _give(self, path: Path) -> None:
        """As root, hand a file to the user who runs Postgres."""
        if self.account is not None:
            os.chown(path, self.account.uid, self.account.gid)

    # ------------------------------------------------------- what is in it

    def _refuse_other_version(self) -> None:
        """Refuse data that another major version wrote: Postgres cannot read it, and must not try."""
        file = self.data / "PG_VERSION"
        if not file.exists():
            return
        found, ours = file.read_text().strip(), major_version()
        if found != str(ours):
            raise CannotStart(
                f"{self.path} was written by Postgres {found}, and this Callboard comes with Postgres {ours}, which "
                f"cannot read it. Nothing was changed. Either start the Callboard that wrote it, make a backup with "
                f"`callboard-server backup` and restore it into a new folder with this one; or run a Postgres {found} "
                "of your own on it and name that in DATABASE_URL."
            )

    def _read_or_make_password(self) -> str:
        """The password of the one database user, made once."""
        file = self.path / "password"
        if self.data.exists():
            if not file.exists():
                raise CannotStart(
                    f"{file} is missing, and without it nobody can log in to the database beside it. "
                    "Put the file back from a backup of that folder; the data is untouched."
                )
            return file.read_text().strip()
        password = secrets.token_urlsafe(24)
        file.unlink(missing_ok=True)
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as opened:
            opened.write(password + "\n")
        self._give(file)
        return password

    def run(self, programme: str, *arguments: str | Path, stdin: str = "") -> None:
        """Run one of Postgres' programmes as the user who owns the data; CannotStart carries what it said."""
        run = subprocess.run(
            [self.installation / "bin" / programme, *arguments],
            cwd="/" if self.account else None,
            env=clean_environment(),
            input=stdin,
            capture_output=True,
            text=True,
            **run_as(self.account),
        )
        if run.returncode != 0:
            raise CannotStart(f"{programme} failed on {self.path}:\n{(run.stdout + run.stderr).strip()[-2000:]}")

    def _initialise(self, durable: bool) -> None:
        """Make the data folder with our user and database in it; it appears whole under its name or not at all."""
        new = self.path / "data.new"
        shutil.rmtree(new, ignore_errors=True)
        password_file = self.path / "password"
        locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        access = [f"--username={USER}", f"--pwfile={password_file}", "--auth=scram-sha-256"]
        self.run("initdb", "-D", new, *locale, *access, *([] if durable else ["--no-sync"]))
        self.run("postgres", "--single", "-D", new, "postgres", stdin=f"CREATE DATABASE {DATABASE}\n")
        new.rename(self.data)

    # ------------------------------------------------ what may still run there

    def _processes(self) -> list[psutil.Process]:
        """Every process of a Postgres on this folder: each of them stands in the data folder."""
        found = []
        for process in psutil.process_iter(["name"]):
            if not (process.info["name"] or "").startswith("postgres"):
                continue
            try:
                if Path(process.cwd()) == self.data:
                    found.append(process)
            except (psutil.Error, OSError):
                continue  # gone meanwhile, or another user's, who cannot have opened our 0700 folder
        return found

    def see_leftovers_off(self) -> None:
        """Wait for what a killed supervisor or a killed postmaster left behind, and hurry it if need be.

        We hold the lock, so whatever still stands in the data folder has lost its owner. Starting beside it would
        be refused by Postgres ("pre-existing shared memory block is still in use").
        """
        if not (self.data / "postmaster.pid").exists():
            return
        # On POSIX an interrupt is a fast shutdown to the postmaster, and to the others the end of their query.
        interrupt = None if sys.platform == "win32" else signal.SIGINT
        for hurry, seconds in ((None, 2.0), (interrupt, 10.0), ("kill", 10.0)):
            for process in self._processes() if hurry else []:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill() if hurry == "kill" else process.send_signal(hurry)
            if self._are_gone_within(seconds):
                self._forget_reused_pid()
                return
        raise CannotStart(f"An earlier Postgres on {self.path} cannot be stopped. Restart the machine.")

    def _are_gone_within(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while self._processes():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True

    def _forget_reused_pid(self) -> None:
        """Remove a stale postmaster.pid whose number now belongs to some other programme, as happens in containers.

        Postgres would take that programme for a living server and refuse. Any other stale file is left to Postgres.
        """
        file = self.data / "postmaster.pid"
        try:
            pid = int(file.read_text().splitlines()[0])
        except (OSError, ValueError, IndexError):
            return
        if psutil.pid_exists(pid):
            file.unlink(missing_ok=True)
