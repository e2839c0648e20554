"""Every code has words and a status."""

from __future__ import annotations

import re
from pathlib import Path

from server_sync import rules
from server_sync.protocol import errors
from server_sync.protocol.errors import HTTP_STATUS, WORDS, Refusal, error_body

CODES = {name: value for name, value in vars(errors).items() if name.isupper() and isinstance(value, str)}


def test_every_code_is_its_own_name_and_has_words() -> None:
    assert CODES
    for name, code in CODES.items():
        assert name == code
        assert WORDS[code].endswith(".")
    assert set(WORDS) == set(CODES.values())


def test_rules_refuse_with_known_codes_only() -> None:
    used = set()
    for path in Path(rules.__file__).parent.glob("*.py"):
        used |= set(re.findall(r"Refusal\(\s*([A-Z_]+)\b", path.read_text(encoding="utf-8")))
    assert "NOT_FOUND" in used
    assert used <= set(CODES)


def test_statuses() -> None:
    assert HTTP_STATUS == {
        "UNREADABLE": 400,
        "NOT_SIGNED_IN": 401,
        "NOT_ALLOWED": 403,
        "NOT_FOUND": 404,
        "INVALID": 422,
    }
    assert Refusal(errors.SLOT_FULL).status == 409


def test_a_code_from_the_future_has_words_too() -> None:
    refusal = Refusal("SOMETHING_NEW", {"a": 1})
    assert refusal.status == 409
    assert error_body(refusal) == {
        "error": "The request was refused.",
        "error_code": "SOMETHING_NEW",
        "details": {"a": 1},
    }
