"""Finding people as somebody types: any word order, from the first letter, slips forgiven, always in the same order.

``find`` says in which order people match, once, for the centre and for every desk. It knows no store. It asks for
candidates in *stages*, each a condition that any index over words answers (tsvector and pg_trgm at the centre, FTS5 on
a desk), of which no more are looked at once there are as many as were wanted:

0. whose external id or ref it is, which ends the search;
1. who has a word of the name for each word typed: whole words before beginnings, the name's first word before others;
2. who has so by a usual short form (Bob for Robert);
3. who has some words in the name and others in school or external id; then who has all of them there;
4. where few were found: who has words of the name a slip or two away, or that contain what was typed.

Within a stage, people stand by what they lack (``Stage.costs``), then by folded name, then by id.

**The guarantee**: whoever answers each ``Stage`` with the first ``limit`` by (cost, key, id), and ``Resembling`` with
every word that it describes, gets what ranking everybody would give: a stage's people all come before the next one's,
so that what a limit cuts off could not have been shown. No two stores can therefore disagree, however many match.
What doesn't depend on an answer is asked for at once: a store that is far away has a single way to go for it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Final

from rapidfuzz.distance import OSA

from server_sync.protocol.ids import Id
from server_sync.rules.alike import LAST, Words, pieces
from server_sync.rules.folding import LONGEST_WORD, Word, fold, folded_words, spellings, words
from server_sync.rules.nicknames import nicknames

FEW: Final = 5
"""With fewer exact matches than this, slips are looked for."""
NAME: Final = "n"
SCHOOL: Final = "s"
CODE: Final = "c"
"""What a word is of: each token is a word behind one of these."""
KEY_LENGTH: Final = 100
MOST_TYPED: Final = 200
"""Letters that are looked at, of whatever was typed or pasted."""
_MOST_WORDS: Final = 6
_SHORTEST_SLIP: Final = 3
_SHORTEST_OTHER: Final = 2
_AFTER_SPACE: Final = "!"


@dataclass(frozen=True, slots=True)
class Entry:
    """Somebody to be found: by name, school and external id, which count in this order, and by ``ref``."""

    id: Id
    name: str
    school: str | None = None
    external_id: str | None = None
    ref: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A match. ``spans`` are (start, length) within the name; a smaller ``score`` is a better match."""

    id: Id
    name: str
    score: tuple[int, int]
    spans: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Term:
    """A token that somebody has, or the beginning of one."""

    token: str
    begins: bool


Either = tuple[Term, ...]
"""Met by whoever has one of the terms."""
Each = tuple[Either, ...]
"""Met by whoever meets each; by everybody if empty."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Asks for the first ``limit`` people by (cost, key, id) of those who meet ``each`` and not ``but``.

    ``span`` bounds the key: from the first, and below the second. To ``cost`` is added that of each of ``costs`` that
    somebody does not meet, and 1 if the key does not begin with ``first``.
    """

    tier: int
    each: Each
    limit: int
    but: Each | None = None
    span: tuple[str, str] | None = None
    cost: int = 0
    costs: tuple[tuple[Either, int], ...] = ()
    first: str = ""


@dataclass(frozen=True, slots=True)
class ByCode:
    """Asks for whoever bears ``text`` as an external id or a ref (see ``read_ref``), by (key, id)."""

    text: str
    limit: int


@dataclass(frozen=True, slots=True)
class Resembling:
    """Asks, for each word that was typed, for the words of names for ``Words.alike``.

    For each: a letter, with which those words begin, and pieces, one of which they contain if they don't. Others may be
    among them.
    """

    each: tuple[tuple[str, tuple[str, ...]], ...]


Stages = tuple[Stage | ByCode, ...]
"""Asks for the people of each, in turn. Behind whoever is found by code, or ``limit`` different people, nobody need be
looked for any more."""
Ask = Stages | Resembling
Answer = Sequence[Sequence[Entry] | Words]
Asks = Generator[Ask, Answer, None]
Search = Generator[Ask, Answer, list[Found]]
"""Yields what it asks for, is sent the people (or the words), and returns what was found."""


def key(name: str) -> str:
    """What people are ordered by."""
    return fold(name)[:KEY_LENGTH]


def tokens(entry: Entry) -> set[str]:
    """Everything that *entry* is found by."""
    parts = ((NAME, entry.name), (SCHOOL, entry.school), (CODE, entry.external_id))
    return {field + word for field, text in parts if text for word in spellings(text)}


def find(text: str, limit: int, *, fields: str = SCHOOL + CODE) -> Search:
    """The best matches for *text*, best first, at most *limit*. Besides the name, *fields* are looked at."""
    text = text[:MOST_TYPED].replace("\0", "")
    typed = [word[:LONGEST_WORD] for word in folded_words(text)[:_MOST_WORDS]]
    if not typed or limit < 1:
        return []
    asking = _Asking(typed, limit)
    yield from asking.ask(ByCode(text.strip(), limit), *_names(asking), *_wider(asking, fields))
    if not asking.named and len(asking.found) < min(FEW, limit):
        yield from _near(asking)
    return asking.found


def in_turn(stages: Stages, answer: Callable[[Stage | ByCode], Sequence[Entry]]) -> Iterator[Sequence[Entry]]:
    """The people of each stage, by *answer*, as far as it matters who they are."""
    found: set[Id] = set()
    for stage in stages:
        entries = answer(stage)
        yield entries
        found.update(entry.id for entry in entries)
        if len(found) >= stage.limit or (found and isinstance(stage, ByCode)):
            return


class _Asking:
    """What was typed and who was found."""

    def __init__(self, typed: list[str], limit: int) -> None:
        self.typed = typed
        self.limit = limit
        self.found: list[Found] = []
        self.named = False  # somebody bears what was typed as a code
        self._known: set[Id] = set()
        self.begun: Each = tuple((Term(NAME + word, True),) for word in typed)
        self.whole = tuple(((Term(NAME + word, False),), 2) for word in typed)

    def ask(self, *stages: Stage | ByCode) -> Asks:
        """Ask for the people of *stages*, and put those of each behind those who were found before."""
        answers = yield stages
        for stage, entries in zip(stages, answers, strict=False):  # the last may be missing: see ``in_turn``
            if self.named or len(self.found) >= self.limit:
                break
            assert not isinstance(entries, Words)
            self._put(stage, entries)

    def _put(self, stage: Stage | ByCode, entries: Sequence[Entry]) -> None:
        fresh = [entry for entry in entries if entry.id not in self._known]
        for scored, _, id, entry in sorted(
            ((score(stage, entry), key(entry.name), entry.id, entry) for entry in fresh), key=itemgetter(0, 1, 2)
        ):
            self._known.add(id)
            self.found.append(Found(id, entry.name, scored, _spans(entry.name, self.typed)))
        del self.found[self.limit :]
        self.named = isinstance(stage, ByCode) and bool(self.found)


def _names(asking: _Asking) -> Iterator[Stage]:
    """Stage 1. For a single word, whose beginning thousands may bear, as ranges of the key as far as these suffice."""
    typed, whole, limit = asking.typed[0], asking.whole, asking.limit
    if len(asking.typed) > 1:
        yield Stage(1, asking.begun, limit, costs=whole, first=typed)
        return
    alone, longer = (typed, typed + _AFTER_SPACE), (typed + _AFTER_SPACE, typed + LAST)
    entire = (whole[0][0],)
    yield Stage(1, (), limit, span=alone)
    yield Stage(1, entire, limit, costs=whole, first=typed)
    yield Stage(1, (), limit, entire, span=longer, cost=2)
    yield Stage(1, asking.begun, limit, entire, costs=whole, first=typed)


def _wider(asking: _Asking, fields: str) -> Iterator[Stage]:
    """Stages 2 and 3."""
    limit, whole, first = asking.limit, asking.whole, asking.typed[0]
    short = tuple(tuple(Term(NAME + name, False) for name in nicknames(word)) for word in asking.typed)
    names = tuple(a + b for a, b in zip(asking.begun, short, strict=True))
    if any(short):
        yield Stage(2, names, limit, asking.begun, costs=whole, first=first)
    if not fields or max(map(len, asking.typed)) < _SHORTEST_OTHER:
        return
    others = tuple(tuple(Term(field + word, True) for field in fields) for word in asking.typed)
    some = tuple(term for either in names for term in either)
    if len(asking.typed) > 1:
        either = (*(a + b for a, b in zip(names, others, strict=True)), some)
        yield Stage(3, either, limit, names, costs=whole, first=first)
    yield Stage(4, others, limit, (some,))


def _near(asking: _Asking) -> Asks:
    """Stage 5."""
    one, two = list(asking.begun), list(asking.begun)
    slipped = {at: typed for at, typed in enumerate(asking.typed) if len(typed) >= _SHORTEST_SLIP}
    if not slipped:
        return
    known = yield Resembling(tuple((typed[0], pieces(typed)) for typed in slipped.values()))
    for (at, typed), resembling in zip(slipped.items(), known, strict=True):
        assert isinstance(resembling, Words)
        near, far = resembling.alike(typed)
        one[at] += tuple(Term(NAME + word, False) for word in near)
        two[at] = one[at] + tuple(Term(NAME + word, False) for word in far)
    costs = tuple((either, 1) for both in zip(asking.begun, one, strict=True) for either in both)
    if tuple(two) != asking.begun:
        yield from asking.ask(Stage(5, tuple(two), asking.limit, asking.begun, costs=costs))


def score(stage: Stage | ByCode, entry: Entry) -> tuple[int, int]:
    """How well *entry* matches, given that it meets the condition of *stage*."""
    if isinstance(stage, ByCode):
        return 0, 0
    cost, had = stage.cost, tokens(entry) if stage.costs else set()
    for either, more in stage.costs:
        cost += 0 if meets(had, either) else more
    if stage.first and not key(entry.name).startswith(stage.first):
        cost += 1
    return stage.tier, cost


def meets(had: set[str], either: Either) -> bool:
    """Whether one of the terms is among the tokens that somebody has."""
    return any(
        any(token.startswith(term.token) for token in had) if term.begins else term.token in had for term in either
    )


def _spans(name: str, typed: list[str]) -> tuple[tuple[int, int], ...]:
    parts = words(name)
    return tuple(sorted({span for word in typed if (span := _span(parts, word)) is not None}))


def _span(name: list[Word], typed: str) -> tuple[int, int] | None:
    """Where *typed* shows in a name: the beginning of a word, else within one, else all of a word that resembles it."""
    for word in name:
        if word.text.startswith(typed):
            return _letters(word, 0, len(typed))
    for word in name:
        at = word.text.find(typed)
        if at >= 0 and len(typed) >= _SHORTEST_SLIP:
            return _letters(word, at, len(typed))
    if len(typed) < _SHORTEST_SLIP:
        return None
    for word in name:
        if OSA.distance(word.text[: len(typed)], typed, score_cutoff=2) <= 2:
            return _letters(word, 0, len(word.text))
    return None


def _letters(word: Word, start: int, count: int) -> tuple[int, int]:
    first, last = word.places[start][0], word.places[start + count - 1][1]
    return first, last - first
