"""``callboard-server import``: read files, say what they would change, and change it in one transaction."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import msgspec

from server_sync.authority.credentials import ROOT
from server_sync.authority.migrate import migrate
from server_sync.authority.queries import scope
from server_sync.authority.queries.engine import Reads
from server_sync.authority.queries.preview import preview
from server_sync.authority.session import Authority
from server_sync.importers import times
from server_sync.importers.detect import read_all
from server_sync.importers.programme import Defaults
from server_sync.keeping import Trouble, answer_of, carry_out, find_programme, opened
from server_sync.protocol.commands import Envelope
from server_sync.protocol.ids import Id, new_id
from server_sync.protocol.imports import Import, ImportRefused, Problem, summary
from server_sync.protocol.records import Programme

MOST_SHOWN: Final = 200
_HEADS: Final = ("", "in the file", "new", "changed", "as it was")
_TABLES: Final = {
    "rooms": "locations",
    "events": "events",
    "blocks": "event_time_blocks",
    "slots": "event_slots",
    "people": "participants",
    "groups": "groups",
    "claims": "slot_reservations",
}
"""What the file's things are called here, and the table that each goes to."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to import, and into what. ``date`` is the day of times that bear none."""

    files: Sequence[Path]
    dry_run: bool = False
    programme: str | None = None
    new: str | None = None
    time_zone: str | None = None
    date: date | None = None
    every_note: bool = False


async def import_files(url: str, wanted: Wanted) -> int:
    """Import the files together, or only say what that would do; the exit code is 1 if nothing could be imported."""
    programme, new, dry_run = wanted.programme, wanted.new, wanted.dry_run
    if programme is not None and new is not None:
        raise Trouble("--programme and --new exclude each other.")
    if wanted.time_zone and times.zone(wanted.time_zone) is None:
        raise Trouble(f"{wanted.time_zone} is no time zone; write it as in Europe/London or America/New_York.")
    await migrate(url)
    async with opened(url) as (authority, reads, _):
        if new is not None:
            await _none_yet(reads, new)
        into = await _existing(reads, programme, new) or await _only(reads, programme, new)
        zone = wanted.time_zone or (into.time_zone if into is not None else "")
        document = _read(wanted.files, Defaults(name=new or "", time_zone=zone, date=wanted.date))
        if isinstance(document, ImportRefused):
            print(_line(document.problem))
            return 1
        if into is None and programme is None:
            into = await _meant(reads, document, new)
        name = f"a new programme, {_programme_args(document, wanted)['name']}" if into is None else into.name
        print(f"It would go into {name}." if dry_run else f"Importing into {name} …", flush=True)
        began = time.monotonic()
        answer = await (_preview if dry_run else _apply)(authority, document, into, wanted)
        took = time.monotonic() - began
    _report(document, answer, wanted.every_note)
    print(f"Nothing was written: this was a dry run ({took:.1f} s)." if dry_run else f"Done in {took:.1f} s.")
    return 0


async def _none_yet(reads: Reads, new: str) -> None:
    """Raise ``Trouble`` if there is a programme called *new*: of two with one name, none is found by it."""
    there = [row for row in await scope.programmes(reads, None) if row.name == _name(new)]
    if there:
        raise Trouble(
            f"There is a programme called {_name(new)!r} already; --programme {there[0].ref} imports into it."
        )


async def _existing(reads: Reads, named: str | None, new: str | None) -> Programme | None:
    """The programme that was named; None if none was."""
    return None if new is not None or named is None else await find_programme(reads, named)


async def _only(reads: Reads, named: str | None, new: str | None) -> Programme | None:
    """The only programme that there is, if nobody named one: its time zone goes for times without one."""
    known = [] if named is not None or new is not None else await scope.programmes(reads, None)
    return known[0] if len(known) == 1 else None


async def _meant(reads: Reads, document: Import, new: str | None) -> Programme | None:
    """Where to, if nobody said: the programme that bears the schedule's name, else the only one; None is a new one."""
    if new is not None:
        return None
    known = await scope.programmes(reads, None)
    if document.schedule is not None:
        alike = [row for row in known if row.name == document.schedule.name]
        if len(alike) == 1:
            return alike[0]
    if len(known) == 1:
        return known[0]
    if known or document.schedule is None:
        listed = "".join(f"\n  {row.ref}  {row.name}  {row.id}" for row in known)
        raise Trouble(f"Say where to, with --programme or with --new NAME.{listed}")
    return None


def _read(files: Sequence[Path], defaults: Defaults) -> Import | ImportRefused:
    """What the files say together."""
    contents: list[tuple[str, bytes]] = []
    for file in files:
        try:
            contents.append((file.name, file.read_bytes()))
        except OSError as error:
            raise Trouble(f"{file} can't be read: {error.strerror}.") from error
    size = sum(len(data) for _, data in contents)
    print(f"Reading {', '.join(name for name, _ in contents)} ({size / 1e6:.1f} MB) …", flush=True)
    return read_all(contents, defaults)


def _programme_args(document: Import, wanted: Wanted) -> dict[str, Any]:
    """How a new programme is made from what the file says of itself."""
    schedule = document.schedule
    args: dict[str, Any] = {"name": _name(wanted.new or (schedule.name if schedule else document.file))}
    if schedule is not None:
        args |= {"time_zone": schedule.time_zone, "starts_on": schedule.first_date, "ends_on": schedule.last_date}
    elif wanted.time_zone:
        args["time_zone"] = wanted.time_zone
    return {name: value for name, value in args.items() if value is not None}


def _name(text: str) -> str:
    """A new programme's name, as long as it may be."""
    return text[:200]


def _envelope(document: Import) -> Envelope:
    args = b'{"document":' + msgspec.json.encode(document) + b"}"
    return Envelope(id=new_id(), kind="import.apply", args=msgspec.Raw(args))


async def _preview(authority: Authority, document: Import, into: Programme | None, wanted: Wanted) -> dict[str, Any]:
    """What importing would answer; raises ``Trouble`` if it would be refused. *into* is None for a new programme."""
    rows: list[Programme] = []
    if into is None:
        id = new_id()
        args = {"id": id, "programme_id": id, "status": "draft", "practice": False, "time_zone": "UTC"}
        into = msgspec.convert(args | _programme_args(document, wanted), Programme)
        rows = [into]
    return answer_of(await preview(authority.pool, ROOT, _envelope(document), into.id, rows))


async def _apply(authority: Authority, document: Import, into: Programme | None, wanted: Wanted) -> dict[str, Any]:
    if into is not None:
        programme_id: Id = into.id
    else:
        await _preview(authority, document, None, wanted)  # a file that is refused must not leave an empty programme
        made = await carry_out(authority, "programme.create", _programme_args(document, wanted), None, new_id())
        programme_id = made["id"]
        print(f"The new programme is {made.get('ref')}.", flush=True)
    return answer_of(await authority.submit(ROOT, _envelope(document), programme_id))


# ------------------------------------------------------------------ the report


def _report(document: Import, answer: dict[str, Any], every_note: bool) -> None:
    """Say what the file holds, what became of it, and what a person should look at."""
    applied = msgspec.convert(answer.get("problems", []), list[_Applied])
    said = [_line(problem) for problem in document.problems if every_note or problem.severity != "note"]
    said += [problem.line() for problem in applied if every_note or problem.severity != "note"]
    print()
    for (name, width), *numbers in _rows(document, answer):
        print("  ".join([name.ljust(width), *(text.rjust(width) for text, width in numbers)]))
    print()
    counts = Counter(problem.severity for problem in document.problems) + Counter(row.severity for row in applied)
    print(f"{counts['refused']} refused, {counts['doubtful']} doubtful, {counts['note']} notes")
    for line in sorted(said, key=lambda line: not line.startswith("refused"))[: None if every_note else MOST_SHOWN]:
        print(line)
    if len(said) > MOST_SHOWN and not every_note:
        print(f"… and {len(said) - MOST_SHOWN} more; --all shows them.")
    for table, absent in answer.get("not_in_file", {}).items():
        print(f"{absent['count']} {table} of the programme are not in the file, and stay: {', '.join(absent['first'])}")


class _Applied(msgspec.Struct, frozen=True, kw_only=True):
    """A problem met while the file was applied, as the command's answer tells it."""

    severity: str
    place: str
    subject: str
    reason: str
    advice: str

    def line(self) -> str:
        """It in a line."""
        return _words(self.severity, self.place, self.subject, self.reason, self.advice)


def _line(problem: Problem) -> str:
    return _words(problem.severity, str(problem.place), problem.subject, problem.reason, problem.advice)


def _words(severity: str, place: str, subject: str, reason: str, advice: str) -> str:
    """``doubtful  a.csv, line 3: Ada: she is twice (check it)``."""
    return f"{severity:<9} {place}: {': '.join(filter(None, (subject, reason)))}{f' ({advice})' if advice else ''}"


def _rows(document: Import, answer: dict[str, Any]) -> list[list[tuple[str, int]]]:
    """The summary's cells with the widths of their columns."""
    in_file = msgspec.to_builtins(summary(document)) | {"slots": sum(block.slot_count for block in document.blocks)}
    table: list[tuple[str, ...]] = [_HEADS]
    for name, of in _TABLES.items():
        counts = answer["tables"].get(of, {})
        numbers = [in_file[name], *(counts.get(step, 0) for step in ("added", "changed", "unchanged"))]
        table.append((name, *(f"{number:,}" for number in numbers)))
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return [list(zip(row, widths, strict=True)) for row in table]
