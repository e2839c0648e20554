"""Names as people type them: no case, accents or punctuation; and each folded letter's place in the original.

The database folds names too, since it finds people by them, and must do it alike: everything here is Unicode's
compatibility decomposition and the few tables below, which ``tables/search.py`` writes as SQL.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final, NamedTuple

from server_sync.rules.folding_letters import CAPITALS, SMALL

LETTERS: Final = {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "ı": "i", "ħ": "h", "ŋ": "n"}
"""Letters that are written apart from their plain one and do not decompose."""
LIGATURES: Final = {"ß": "ss", "ẞ": "ss", "æ": "ae", "Æ": "ae", "œ": "oe", "Œ": "oe", "þ": "th", "Þ": "th"}
SPELLED: Final = {
    "ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe", "Ä": "ae", "Ö": "oe", "Ü": "ue", "Å": "aa", "Ø": "oe",
}  # fmt: skip
"""How these are typed where a keyboard lacks them; found either way."""
WITHIN: Final = "'’ʼ`´"
"""Signs that do not part a name: O'Brien is one word."""
MARKS: Final = (
    "\u00ad\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u064b-\u065f\u0670"
    "\u06d6-\u06dc\u0711\u1ab0-\u1aff\u1dc0-\u1dff\u200b-\u200d\u2060\u20d0-\u20ff\u3099\u309a\ufe00-\ufe0f"
    "\ufe20-\ufe2f\ufeff\U000e0100-\U000e01ef"
)
"""What is written over, under or between letters and left out where somebody types in a hurry: ranges."""
PARTING: Final = (
    "\u0001-/:-@\\[-`{-\u00a9\u00ab-\u00b1\u00b4\u00b6-\u00b8\u00bb\u00bf\u00d7\u00f7\u02c2-\u02df\u055a-\u055f\u0589"
    "\u058a\u05be\u05c0\u05c3\u05c6\u05f3\u05f4\u060c\u061b-\u061f\u066a-\u066d\u06d4\u0964\u0965\u1680\u2000-\u200a"
    "\u200e-\u205f\u2061-\u206f\u20a0-\u20cf\u2190-\u2bff\u2e00-\u2e7f\u3000-\u3004\u3008-\u3020\u3030\u303d-\u303f"
    "\u30fb\ufe10-\ufe1f\ufe30-\ufe6f\uff00-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65\ufff0-\uffff"
    "\U0001f000-\U0001faff"
)
"""Spaces, punctuation, signs and pictures, which part words: ranges."""
UNSPACED: Final = "\u1100-\u11ff\u3040-\u30ff\u3400-\u9fff"
"""Hangul (decomposed), kana and Han, where words are not parted by spaces: ranges."""
LONGEST_WORD: Final = 40
"""Letters of a word that count; no name has more, and an index must not meet a word of a thousand."""

_ONE: Final = {ord(a): b for a, b in zip(CAPITALS, SMALL, strict=True)} | {ord(a): b for a, b in LETTERS.items()}
_PLAIN: Final = _ONE | {ord(a): b for a, b in LIGATURES.items()}
_NOTHING_WITHIN: Final = dict.fromkeys(map(ord, WITHIN + "\0"))
_ASCII: Final = re.compile("[a-z0-9]+")
_MARK: Final = re.compile(f"[{MARKS}]")
_PARTS: Final = re.compile(f"[{PARTING}]")
_STARTS_ANYWHERE: Final = re.compile(f"[{UNSPACED}]")


class Word(NamedTuple):
    """A folded word and where its letters come from: letter i of ``text`` is within ``places[i]`` (start, end)."""

    text: str
    places: tuple[tuple[int, int], ...]


@lru_cache(maxsize=4096)
def _fold_character(character: str) -> str:
    """The letters that a character stands for; a space for each sign that parts words; nothing for one that doesn't."""
    if character in WITHIN:
        return ""
    plain = unicodedata.normalize("NFKD", character).translate(_PLAIN)
    return _PARTS.sub(" ", _MARK.sub("", plain.translate(_NOTHING_WITHIN)))


def words(text: str) -> list[Word]:
    """The words of *text*, folded, in order."""
    found: list[Word] = []
    letters: list[str] = []
    places: list[tuple[int, int]] = []

    def finish() -> None:
        if letters:
            found.append(Word("".join(letters), tuple(places)))
            letters.clear()
            places.clear()

    for at, character in enumerate(text):
        folded = _fold_character(character)
        for letter in folded:
            if letter == " ":
                finish()
            else:
                letters.append(letter)
                places.append((at, at + 1))
        if not folded and places and character not in WITHIN:
            places[-1] = (places[-1][0], at + 1)
    finish()
    return found


def fold(text: str) -> str:
    """*text* folded, its words parted by single spaces."""
    return " ".join(folded_words(text))


def spellings(text: str) -> set[str]:
    """Every word under which *text* is found: its own, umlauts spelt out, and all inner starts in unspaced scripts."""
    found = set(folded_words(text))
    if not text.isascii():
        composed = unicodedata.normalize("NFC", text)
        found |= set(folded_words("".join(SPELLED.get(c, c) for c in composed)))
    for word in list(found):
        if _STARTS_ANYWHERE.search(word):
            found |= {word[start:] for start in range(1, min(len(word), LONGEST_WORD))}
    return {word[:LONGEST_WORD] for word in found}


def folded_words(text: str) -> list[str]:
    """The words of *text* in order, as ``words`` has them: quicker, without their places, and as the database does."""
    if text.isascii():
        return _ASCII.findall(text.translate(_NOTHING_WITHIN).lower())
    plain = unicodedata.normalize("NFKD", text.translate(_NOTHING_WITHIN)).translate(_PLAIN)
    parted = _PARTS.sub(" ", _MARK.sub("", plain.translate(_NOTHING_WITHIN)))
    return [word for word in parted.split(" ") if word]
