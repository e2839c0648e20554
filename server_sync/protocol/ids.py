"""Identifiers: UUIDv7 made by whoever creates a row, UUIDv5 for rows that a command derives, and refs for people.

A ref looks like ``RSV-7K3M9Q``: a prefix for the kind of row, five characters that count (31 letters and digits,
without 0, I, L, O, U) and one check character, so that a misread or swapped character is noticed instead of finding
somebody else.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from typing import Annotated, Final

import msgspec
import uuid_utils

Id = str
"""A UUID as its canonical lower-case text: the same in Postgres, on the wire and in SQLite."""

_CANONICAL: Final = re.compile(r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\Z")

GivenId = Annotated[str, msgspec.Meta(pattern=_CANONICAL.pattern, max_length=36)]
"""An ``Id`` that somebody else names: checked when it is read, so that all behind it may trust its form."""

ALPHABET: Final = "123456789ABCDEFGHJKMNPQRSTVWXYZ"
_BASE: Final = len(ALPHABET)  # 31, a prime: the weighted check finds every single slip and every swap of neighbours
_VALUE: Final = {character: value for value, character in enumerate(ALPHABET)}
_READ_AS: Final = str.maketrans({"I": "1", "L": "1"})  # what a person may type for a 1
_STRIDE: Final = 11_400_089  # coprime to 31: consecutive numbers look unrelated, so that neighbours aren't confused
SCAN_PREFIX: Final = "CB"
PREFIXES: Final = frozenset({"PRG", "EVT", "LOC", "PPL", "GRP", "RSV"})
"""The kinds of row that people read refs of: without them one name in thirty-one would pass for a ref."""
LONGEST: Final = 10  # digits with the check character: more rows than there will ever be


def new_id() -> Id:
    """A new time-ordered id (UUIDv7, RFC 9562)."""
    return str(uuid_utils.uuid7())


def derived_id(parent: Id, name: str | int) -> Id:
    """The id of the row called *name* that *parent* (usually a command) brings forth; equal at desk and centre."""
    said = bytes.fromhex(parent.replace("-", "")) + str(name).encode()  # a UUIDv5, in less than half of uuid5's time
    digest = hashlib.sha1(said, usedforsecurity=False).hexdigest()
    variant = "89ab"[int(digest[16], 16) & 3]
    return f"{digest[:8]}-{digest[8:12]}-5{digest[13:16]}-{variant}{digest[17:20]}-{digest[20:32]}"


def secret_id(secret: str) -> Id:
    """The id under which a secret (a token, an enrolment code) is known: 128 bits of its SHA-256, never the secret."""
    return str(uuid.UUID(bytes=hashlib.sha256(secret.encode()).digest()[:16]))


def is_id(text: str) -> bool:
    """Whether *text* is a UUID in canonical form."""
    return _CANONICAL.match(text) is not None


def check_character(body: str) -> str:
    """The check character of *body* (characters of ``ALPHABET``); raises KeyError on any other character."""
    return ALPHABET[sum(weight * _VALUE[character] for weight, character in enumerate(body, 2)) % _BASE]


def make_ref(prefix: str, number: int) -> str:
    """The ref of the *number*-th row of its kind (``number`` ≥ 0). Distinct numbers have distinct refs."""
    if number < 0:
        raise ValueError("a ref counts from 0")
    width = 5
    while number >= _BASE**width:
        number -= _BASE**width
        width += 1
    permuted = number * _STRIDE % _BASE**width
    body = ""
    for _ in range(width):
        permuted, digit = divmod(permuted, _BASE)
        body = ALPHABET[digit] + body
    return f"{prefix}-{body}{check_character(body)}"


def read_ref(text: str) -> str | None:
    """The canonical ref in *text* as typed or scanned (``cb rsv7k3m9q``, ``RSV-7K3M9Q``), or None if it is none."""
    letters = "".join(text.upper().split()).replace("-", "")
    letters = letters.removeprefix(SCAN_PREFIX)
    prefix, body = letters[:3], letters[3:].translate(_READ_AS)
    if prefix not in PREFIXES or not 6 <= len(body) <= LONGEST or any(c not in _VALUE for c in body):
        return None
    return f"{prefix}-{body}" if check_character(body[:-1]) == body[-1] else None


def scan_code(ref: str) -> str:
    """What a printed code says for *ref*: ``CBRSV7K3M9Q``."""
    return SCAN_PREFIX + ref.replace("-", "")
