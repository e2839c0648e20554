"""Names as people type them: no case, accents or punctuation; and each folded letter's place in the original."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Final, NamedTuple

_LETTERS: Final = {
    "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h", "ŋ": "n",
}  # fmt: skip
_SPELLED: Final = {"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe"}
"""How these are typed where a keyboard lacks them; found either way."""
_WITHIN: Final = frozenset("'’ʼ`´")
"""Signs that do not part a name: O'Brien is one word."""


class Word(NamedTuple):
    """A folded word and where its letters come from: letter i of ``text`` is within ``places[i]`` (start, end)."""

    text: str
    places: tuple[tuple[int, int], ...]


@lru_cache(maxsize=4096)
def _fold_character(character: str) -> str:
    folded = unicodedata.normalize("NFKD", character).casefold()
    plain = "".join(_LETTERS.get(c, c) for c in unicodedata.normalize("NFKD", folded))
    return "".join(c for c in plain if not unicodedata.combining(c) and c.isalnum())


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
            letters.append(letter)
            places.append((at, at + 1))
        if folded:
            continue
        if unicodedata.combining(character):
            if places:
                places[-1] = (places[-1][0], at + 1)
        elif character not in _WITHIN:
            finish()
    finish()
    return found


def fold(text: str) -> str:
    """*text* folded, its words parted by single spaces."""
    return " ".join(word.text for word in words(text))


def spellings(text: str) -> set[str]:
    """Every word under which *text* is found: its own, umlauts spelt out, and all inner starts in unspaced scripts."""
    found = {word.text for word in words(text)}
    composed = unicodedata.normalize("NFC", text.casefold())
    if any(letter in composed for letter in _SPELLED):
        found |= {word.text for word in words("".join(_SPELLED.get(c, c) for c in composed))}
    for word in list(found):
        if any(_unspaced(c) for c in word):
            found |= {word[start:] for start in range(1, len(word))}
    return found


def _unspaced(character: str) -> bool:
    """Han, kana and hangul: words are not parted by spaces."""
    return "\u3040" <= character <= "\u30ff" or "\u3400" <= character <= "\u9fff" or "\uac00" <= character <= "\ud7af"
