"""Which format a file has, by its content; its name only serves to say where problems are."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from server_sync.importers import csv_people, csv_schedule, csv_table, frab_xml, icalendar, schedule_json
from server_sync.importers.conflicts import check
from server_sync.importers.merge import merge
from server_sync.importers.programme import Defaults
from server_sync.importers.reading import Source, refused
from server_sync.importers.text import decode
from server_sync.protocol.imports import Import, ImportRefused

LARGEST = 100 * 1024 * 1024
_CSV = "save it as CSV (a spreadsheet program can), frab schedule.xml, schedule.json or iCalendar"
_BINARY = {
    b"PK\x03\x04": "a zip archive or a spreadsheet (.xlsx, .ods)",
    b"PK\x05\x06": "an empty zip archive",
    b"%PDF": "a PDF",
    b"\x1f\x8b": "a gzip archive",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ\x00": "an xz archive",
    b"7z\xbc\xaf": "a 7z archive",
    b"\x28\xb5\x2f\xfd": "a zstd archive",
    b"PAR1": "a Parquet table",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF8": "a picture",
    b"\xd0\xcf\x11\xe0": "an old Excel or Word file",
    b"SQLite format 3": "a SQLite database",
    b"\x7fELF": "a program",
}


def read(name: str, data: bytes, defaults: Defaults = Defaults()) -> Import | ImportRefused:  # noqa: B008 - frozen
    """Read one file, whatever it is: an `Import` with its problems, or why nothing of it can be read.

    Expected trouble never raises. `name` is what problems call the file; `defaults` says what the file may leave out.
    """
    found = _read(name, data, defaults)
    return check(found) if isinstance(found, Import) else found


def read_all(files: Sequence[tuple[str, bytes]], defaults: Defaults = Defaults()) -> Import | ImportRefused:  # noqa: B008
    """Read several files (at least one) as one import; the first that can't be read refuses all."""
    documents = []
    for name, data in files:
        found = _read(name, data, defaults)
        if isinstance(found, ImportRefused):
            return found
        documents.append(found)
    return check(merge(documents))


def _read(name: str, data: bytes, defaults: Defaults) -> Import | ImportRefused:
    """Read one file, without the checks across its facts."""
    digest = hashlib.sha256(data).hexdigest()
    for magic, what in _BINARY.items():
        if data.startswith(magic):
            return refused(name, digest, "wrong_type", f"it is {what}", _CSV)
    if len(data) > LARGEST:
        reason = f"it has {len(data) >> 20} MB; {LARGEST >> 20} MB is the most"
        return refused(name, digest, "too_large", reason, "split it into smaller files")
    text, problems = decode(name, data)
    if not text.strip():
        return refused(name, digest, "empty", "it is empty", "choose the file again; was it saved?")
    return _by_content(Source(file=name, file_hash=digest, text=text, problems=tuple(problems)), defaults)


def _by_content(source: Source, defaults: Defaults) -> Import | ImportRefused:
    """Choose the reader by how the text begins, or by its header."""
    head = source.text.lstrip()[:200].lower()
    if head.startswith("begin:v"):
        return icalendar.read(source, defaults)
    if head.startswith(("<!doctype html", "<html")):
        return source.refused("wrong_type", "it is a web page", f"download the file itself, not its page; {_CSV}")
    if head.startswith("<"):
        return frab_xml.read(source, defaults)
    if head.startswith("{") or (head.startswith("[") and _is_json(source.text)):
        return schedule_json.read(source, defaults)
    header = csv_table.header_of(source.text)
    if csv_schedule.knows(header):
        return csv_schedule.read(source, defaults)
    return csv_people.read(source)


def _is_json(text: str) -> bool:
    """Whether a text that begins with a bracket is JSON: a CSV file's first header might begin so too."""
    return text.lstrip()[1:].lstrip()[:1] in ("{", '"', "[", "]")
