"""Bytes to clean text, and text to small values.

What comes out of here can be stored: no NUL, no control characters but tab and line ends, no lone surrogates,
composed accents (NFC). What had to be changed to get there is said in a problem, never done in silence.
"""

from __future__ import annotations

import codecs
import hashlib
import math
import re
import unicodedata
from typing import Any

from server_sync.protocol.imports import Place, Problem, Severity

KEY_LENGTH = 200
NAME_LENGTH = 500

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_XML_ENCODING = re.compile(rb"""^\s*<\?xml[^>]{0,100}encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_NUMBER = re.compile(r"[0-9]{1,6}")


def problem(severity: Severity, code: str, place: Place, subject: str, reason: str, advice: str) -> Problem:
    """Make a `Problem`; a subject is cut to what a table cell holds."""
    if len(subject) > 120:
        subject = subject[:119] + "…"
    return Problem(severity=severity, code=code, place=place, subject=subject, reason=reason, advice=advice)


def decode(file: str, data: bytes) -> tuple[str, list[Problem]]:
    """Decode by byte order mark, else by an XML declaration, else as UTF-8, else as Windows-1252 (doubtful).

    The answer is clean (see the module) and has no byte order mark. Any bytes can be decoded.
    """
    problems: list[Problem] = []
    encoding, start = _encoding(data)
    try:
        text = data[start:].decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, start + error.start) + 1
        text = data[start:].decode("cp1252", errors="replace")
        problems.append(
            problem(
                "doubtful",
                "encoding",
                Place(file=file, line=line),
                file,
                f"it is not {encoding.upper()} as it should be; it was read as Windows-1252",
                "look at names with accents; if they are wrong, save the file as UTF-8 and read it again",
            )
        )
    return _without_forbidden(file, text, problems), problems


def _encoding(data: bytes) -> tuple[str, int]:
    """The encoding that the bytes claim, and the length of the byte order mark."""
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return encoding, len(mark)
    head = data[:1000]
    if len(head) >= 8 and head.count(0) * 3 >= len(head):
        # Every other byte of UTF-16 in a Latin script is zero; which one it is tells the byte order.
        return ("utf-16-le" if head[1::2].count(0) >= head[0::2].count(0) else "utf-16-be"), 0
    declared = _XML_ENCODING.match(head)
    if declared is not None:
        name = declared.group(1).decode("ascii")
        # A codec that is no text encoding (hex, zlib) must never run on a stranger's bytes.
        if re.fullmatch(
            r"(?i)(iso-?8859-?\d+|windows-125\d|cp125\d|us-ascii|koi8-[ru]|shift_jis|euc-jp|gb\d+|big5)", name
        ):
            try:
                return codecs.lookup(name).name, 0
            except LookupError:
                return "utf-8", 0
    return "utf-8", 0


def _without_forbidden(file: str, text: str, problems: list[Problem]) -> str:
    """Take out what no database text can hold, and say so once."""
    found = _FORBIDDEN.search(text)
    if found is not None:
        line = text.count("\n", 0, found.start()) + 1
        what = "NUL bytes" if "\x00" in text else "control characters"
        text, count = _FORBIDDEN.subn("", text)
        problems.append(
            problem(
                "doubtful",
                "control_characters",
                Place(file=file, line=line),
                file,
                f"it holds {what} ({count}, the first in line {line}); they were left out",
                "check that the file was not damaged on its way",
            )
        )
    return text if unicodedata.is_normalized("NFC", text) else unicodedata.normalize("NFC", text)


def clean(value: str) -> str:
    """One value, stripped, on its own terms clean: for what escapes can smuggle in after decoding."""
    value = value.strip()
    if value.isascii() and value.isprintable():
        return value
    value = _FORBIDDEN.sub("", value)
    return unicodedata.normalize("NFC", value).strip()


def clean_json(value: Any) -> Any:
    """A decoded JSON value with every text in it clean; empty values in objects are dropped."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [clean_json(item) for item in value]
    if isinstance(value, dict):
        cleaned = {clean(str(key)): clean_json(item) for key, item in value.items()}
        return {key: item for key, item in cleaned.items() if item not in ("", None, [], {})}
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def name_of(value: str) -> str:
    """A name on one line, inner blanks single, cut to `NAME_LENGTH`."""
    value = clean(value)
    if "  " in value or "\n" in value or "\t" in value or "\r" in value:
        value = " ".join(value.split())
    return value if len(value) <= NAME_LENGTH else value[: NAME_LENGTH - 1] + "…"


def folded(value: str) -> str:
    """How names are compared: case and blanks aside, accents kept."""
    return " ".join(value.casefold().split())


def key_of(value: str) -> str:
    """A key short enough for a unique index; a longer one is replaced by its digest."""
    value = clean(value)
    if len(value) <= KEY_LENGTH:
        return value
    return "sha256:" + hashlib.sha256(value.encode()).hexdigest()


def whole_number(value: str) -> int | None:
    """A whole number from 0 to 999,999 in plain digits, else None."""
    value = value.strip()
    return int(value) if _NUMBER.fullmatch(value) else None
