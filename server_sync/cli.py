"""``callboard-server``: run the server, and what its keeper does beside it."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from types import FrameType
from typing import Final

from server_sync.protocol.records import ROLES

# What does the work is imported where it is needed: it takes a second, and a slip in the arguments is told at once.

PORT: Final = 8470
FOLDER: Final = "CALLBOARD_DATABASE_FOLDER"


def default_folder(environ: Mapping[str, str]) -> Path:
    """Where the embedded database lives unless somebody says otherwise."""
    if FOLDER in environ:
        return Path(environ[FOLDER])
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        return Path("/var/lib/callboard/database")  # reachable for the unprivileged user who runs Postgres
    if sys.platform == "win32":
        base = Path(environ.get("LOCALAPPDATA", Path.home()))
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = Path(environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return base / "callboard" / "database"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand; its exit code: 0 done, 1 refused or impossible, 2 asked wrongly, 130 stopped by Ctrl-C."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    asked = _parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = asked.run
    before = signal.signal(signal.SIGTERM, _stop)
    try:
        return run(asked)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # whoever read our output has enough
        return 0
    except (KeyboardInterrupt, Stopped):
        print("callboard-server: stopped", file=sys.stderr)
        return 130
    except Exception as error:
        words = _words_of(error)
        if words is None:
            raise
        print(f"callboard-server: {words}", file=sys.stderr)
        return 1
    finally:
        signal.signal(signal.SIGTERM, before)


class Stopped(BaseException):
    """Somebody asked this process to end: it unwinds as for Ctrl-C, so that what was started is stopped in order."""


def _stop(number: int, frame: FrameType | None) -> None:
    raise Stopped


def _words_of(error: Exception) -> str | None:
    """What to tell the keeper of an expected trouble; None for a bug."""
    from server_sync.authority.faults import LOST, MISCONFIGURED
    from server_sync.authority.lanes import Overloaded, Unavailable
    from server_sync.authority.migrate import CannotMigrate
    from server_sync.embedded import CannotStart
    from server_sync.keeping import Trouble

    if isinstance(error, MISCONFIGURED) or isinstance(error.__cause__, MISCONFIGURED):
        return f"the database refused: {error.__cause__ or error}"
    if isinstance(error, (CannotStart, CannotMigrate, Trouble)) or getattr(error, "filename", None) is not None:
        return str(error)
    if isinstance(error, (Unavailable, Overloaded, *LOST)):
        return f"the database can't be reached: {error}"
    return None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="callboard-server",
        description="The centre of Callboard. Its database is the one that DATABASE_URL names, else its own.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, help: str, run: Callable[[argparse.Namespace], int]) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=help, description=help)
        added.set_defaults(run=run)
        added.add_argument(
            "--database-folder", type=Path, default=default_folder(os.environ), metavar="FOLDER",
            help="where the server's own database lives (default: %(default)s)",
        )  # fmt: skip
        return added

    serve = command("serve", "run the server until Ctrl-C", _serve)
    serve.add_argument("--host", default="127.0.0.1", help="the address to answer at (default: this machine alone)")
    serve.add_argument(
        "--port", type=_number("a port", 0, 65535), default=PORT, help="default: %(default)s; 0 takes a free one"
    )
    serve.add_argument(
        "--workers",
        type=_number("how many processes", 1, 64),
        default=1,
        help="processes that answer (default: %(default)s)",
    )
    serve.add_argument("--certificate", type=Path, metavar="FILE", help="answer by https, with this certificate")
    serve.add_argument("--key", type=Path, metavar="FILE", help="the certificate's private key")
    serve.add_argument("--access-log", action="store_true", help="say every request")
    command("migrate", "bring the database up to this version", _migrate)
    imports = command("import", "import people or a schedule (CSV, frab XML, schedule.json, iCalendar)", _import)
    imports.add_argument("files", nargs="+", type=Path, metavar="FILE", help="files that are read together")
    imports.add_argument("--dry-run", action="store_true", help="only say what would happen")
    imports.add_argument("--new", metavar="NAME", help="import into a new programme of that name")
    imports.add_argument("--time-zone", metavar="ZONE", help="the zone of times without one (default: the programme's)")
    imports.add_argument("--date", type=_day, metavar="DAY", help="the day of times without one")
    imports.add_argument("--all", action="store_true", help="say every note, not only what is doubtful or refused")
    invite = command("invite", "print a one-time code that enrols a desk", _invite)
    invite.add_argument("name", nargs="?", default="Desk", help="what the desk is called (default: %(default)s)")
    invite.add_argument("--ceiling", choices=ROLES[1:], default="volunteer", help="the most that may be done at it")
    staff = command("staff", "add a member of staff and print their token, or list all", _staff)
    staff.add_argument("name", nargs="?", help="who; without a name staff are listed")
    staff.add_argument("--role", choices=ROLES[1:], default="volunteer")
    devices = command("devices", "list the desks, or revoke one", _devices)
    devices.add_argument("--revoke", metavar="ID", help="the desk's id or name")
    command("root-token", "print the token of whoever runs the server", _root_token)
    for added in (imports, invite, staff, devices):
        added.add_argument("--programme", metavar="ID", help="its id, ref or name; needed where there are several")
    health = command("healthz", "ask a running server whether it is well", _healthz)
    health.add_argument("--url", default=f"http://127.0.0.1:{PORT}")
    return parser


def _number(what: str, least: int, most: int) -> Callable[[str], int]:
    """A reader of a number within bounds; its error says *what* it is of."""

    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
            raise argparse.ArgumentTypeError(f"{text!r}: {what} is a number from {least} to {most}")
        return int(text)

    return read


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}: a day is written like 2027-03-14") from None


def _serve(asked: argparse.Namespace) -> int:
    from server_sync import keeping, serving
    from server_sync.api.settings import Settings

    if (asked.certificate is None) != (asked.key is None):
        raise keeping.Trouble("--certificate and --key go together.")
    if asked.certificate is not None:
        try:
            serving.check_certificate(asked.certificate, asked.key)
        except ValueError as error:
            raise keeping.Trouble(str(error)) from error
    if asked.certificate is None and asked.host not in ("127.0.0.1", "localhost", "::1"):
        print("Tokens cross the network in the clear: give --certificate and --key, or put a TLS proxy before it.")
    listening = serving.Listening(asked.host, asked.port, asked.workers, asked.certificate, asked.key, asked.access_log)
    with keeping.own_database(asked.database_folder, os.environ) as url:
        os.environ["DATABASE_URL"] = url
        try:
            Settings.from_environment(os.environ)
        except ValueError as error:  # said once here, not by each worker
            raise keeping.Trouble(str(error)) from error
        for line in asyncio.run(keeping.prepare(url)):
            print(line, flush=True)
        try:
            serving.serve(listening, _announce)
        except OSError as error:
            raise keeping.Trouble(f"{asked.host} port {asked.port} can't be had: {error.strerror}.") from error
        except (KeyboardInterrupt, Stopped):
            pass  # the way in which a server ends
    print("Stopped.", flush=True)
    return 0


def _announce(addresses: Sequence[str]) -> None:
    print(f"Callboard answers at {' and '.join(addresses)}  (Ctrl-C stops it)", flush=True)
    if addresses[0].startswith("https:"):
        print("Desks type the name that the certificate is for in place of the number.", flush=True)


def _migrate(asked: argparse.Namespace) -> int:
    from server_sync import keeping

    with keeping.any_database(asked.database_folder, os.environ) as url:
        print(f"The database is at version {asyncio.run(keeping.migrated(url))}.")
    return 0


def _import(asked: argparse.Namespace) -> int:
    from server_sync import keeping
    from server_sync.import_files import Wanted, import_files

    wanted = Wanted(
        asked.files, asked.dry_run, asked.programme, asked.new, asked.time_zone, asked.date, asked.all
    )  # fmt: skip
    with keeping.any_database(asked.database_folder, os.environ) as url:
        return asyncio.run(import_files(url, wanted))


def _invite(asked: argparse.Namespace) -> int:
    from server_sync import keeping

    with keeping.any_database(asked.database_folder, os.environ) as url:
        code, minutes = asyncio.run(keeping.invite(url, asked.programme, asked.name, asked.ceiling))
    print(f"{code}\nIt enrols one desk ({asked.name}, {asked.ceiling}) within {minutes} minutes.")
    return 0


def _staff(asked: argparse.Namespace) -> int:
    from server_sync import keeping

    with keeping.any_database(asked.database_folder, os.environ) as url:
        if asked.name is None:
            _table(("name", "role", "active", "id"), asyncio.run(keeping.staff(url, asked.programme)))
            return 0
        token = asyncio.run(keeping.add_staff(url, asked.programme, asked.name, asked.role))
    print(f"{token}\nThe token of {asked.name} ({asked.role}). It is shown this once.")
    return 0


def _devices(asked: argparse.Namespace) -> int:
    from server_sync import keeping

    with keeping.any_database(asked.database_folder, os.environ) as url:
        if asked.revoke is None:
            rows = asyncio.run(keeping.devices(url, asked.programme))
            _table(("name", "ceiling", "enrolled", "last seen", "revoked", "id"), rows)
            return 0
        name = asyncio.run(keeping.revoke(url, asked.programme, asked.revoke))
    print(f"{name} is revoked. It wipes its copy at its next contact and keeps what it has not sent.")
    return 0


def _root_token(asked: argparse.Namespace) -> int:
    from server_sync import keeping

    with keeping.any_database(asked.database_folder, os.environ) as url:
        print(asyncio.run(keeping.root_token(url)))
    return 0


def _healthz(asked: argparse.Namespace) -> int:
    well, words = ask_health(asked.url)
    print(words)
    return 0 if well else 1


def ask_health(url: str) -> tuple[bool, str]:
    """Whether the server at *url* is well, and what it says."""
    if not url.startswith(("http://", "https://")):
        return False, f"{url} is no http address."
    try:
        with urllib.request.urlopen(f"{url.rstrip('/')}/healthz", timeout=10) as reply:
            return True, reply.read().decode()
    except urllib.error.HTTPError as error:
        return False, error.read().decode(errors="replace")
    except (OSError, ValueError) as error:
        return False, f"No server answers at {url}: {error}"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows under their heads, each column as wide as it must be."""
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    for row in (heads, *rows):
        print("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())


if __name__ == "__main__":
    sys.exit(main())
