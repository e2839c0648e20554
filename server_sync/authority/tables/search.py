"""What a search for people reads: everybody who may be found, folded, and the words of all names.

Kept by triggers on ``participants``, so that no writer can forget it and whoever is erased, merged or deleted leaves
it at once. It is folded exactly as ``rules/folding.py`` folds: the texts below are made of the same tables.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Index, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import TSVECTOR

from server_sync.authority.tables.base import metadata
from server_sync.rules import folding
from server_sync.rules.folding_letters import CAPITALS, SMALL
from server_sync.rules.search import KEY_LENGTH

search_people = Table(
    "search_people",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("programme_id", Uuid, nullable=False),
    Column("key", Text(collation="C"), nullable=False),  # what equal matches are ordered by: the folded name
    Column("tokens", TSVECTOR, nullable=False),  # each word behind a letter that says what it is of
)
Index("ix_search_people_order", search_people.c.programme_id, search_people.c.key, search_people.c.id)
Index("ix_search_people_tokens", search_people.c.tokens, postgresql_using="gin", postgresql_with={"fastupdate": "off"})

search_words = Table(
    "search_words",
    metadata,
    Column("programme_id", Uuid, nullable=False),
    Column("word", Text(collation="C"), nullable=False),
)
"""The words of names: some ten thousand, where there are a hundred thousand people to look through.

Each once, but for those that two brought at the same time: a unique key would have the one wait for the other.
"""
Index("ix_search_words_word", search_words.c.programme_id, search_words.c.word)
search_words_left = Table(
    "search_words_left",
    metadata,
    Column("programme_id", Uuid, nullable=False),
    Column("word", Text, nullable=False),
)
"""Words that somebody who left bore: to be swept if nobody else does."""

Index(
    "ix_search_words_trigrams", search_words.c.word, postgresql_using="gin", postgresql_ops={"word": "gin_trgm_ops"},
    postgresql_with={"fastupdate": "off"},
)  # fmt: skip


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _class(ranges: str) -> str:
    """A bracket expression of Python as one of Postgres."""
    escaped = [c if c == "-" else f"\\u{ord(c):04x}" if ord(c) < 0x10000 else f"\\U{ord(c):08x}" for c in ranges
               if c != "\\"]  # fmt: skip
    return "".join(escaped)


def _replaced(text: str, pairs: dict[str, str]) -> str:
    for old, new in pairs.items():
        text = f"replace({text}, '{old}', '{new}')"
    return text


def _search() -> str:
    within = _quoted(folding.WITHIN)
    letters = _quoted(CAPITALS + "".join(folding.LETTERS)), _quoted(SMALL + "".join(folding.LETTERS.values()))
    plain = f"translate(normalize(translate($1, {within}, ''), NFKD),\n    {letters[0]},\n    {letters[1]})"
    plain = f"translate({_replaced(plain, folding.LIGATURES)}, {within}, '')"
    marks, parting, unspaced = map(_class, (folding.MARKS, folding.PARTING, folding.UNSPACED))
    spelled = _replaced("normalize($1, NFC)", folding.SPELLED)
    longest = folding.LONGEST_WORD
    return f"""
CREATE FUNCTION search_key(text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN octet_length($1) = length($1)
  THEN btrim(regexp_replace(lower(translate($1, '''`', '') COLLATE "C"), '[^a-z0-9]+', ' ', 'g'))
  ELSE btrim(regexp_replace(regexp_replace({plain} COLLATE "C",
    '[{marks}]', '', 'g'),
    '[{parting}]+', ' ', 'g'))
  END
$$;

CREATE FUNCTION search_spellings(text) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT array_agg(DISTINCT left(substr(word, at), {longest}))
    FROM unnest(string_to_array(CASE WHEN octet_length($1) = length($1) THEN search_key($1)
      ELSE search_key($1) || ' ' || search_key({spelled}) END, ' ')) word,
      generate_series(1, CASE WHEN word COLLATE "C" ~ '[{unspaced}]' THEN least(length(word), {longest}) ELSE 1 END) at
   WHERE word <> ''
$$;

CREATE FUNCTION search_tagged(text, tag text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT array_agg(tag || word) FROM unnest(search_spellings($1)) word
$$;

CREATE FUNCTION search_tokens_of(text, tag text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN octet_length($1) = length($1) AND length($1) <= {longest}
  THEN string_to_array(tag || replace(nullif(search_key($1), ''), ' ', ' ' || tag), ' ')
  ELSE search_tagged($1, tag) END
$$;

CREATE FUNCTION search_tokens(name text, school text, external_id text) RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT coalesce(array_to_tsvector(
    search_tokens_of(name, 'n') || search_tokens_of(school, 's') || search_tokens_of(external_id, 'c')), '')
$$;

CREATE FUNCTION put_into_search(ids uuid[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO search_people (id, programme_id, key, tokens)
  SELECT id, programme_id, left(search_key(display_name), {KEY_LENGTH}),
         search_tokens(display_name, school, external_id)
    FROM participants
   WHERE id = ANY (ids) AND deleted IS NOT TRUE AND erased IS NOT TRUE AND merged_into IS NULL;
  LOCK TABLE search_words IN ROW EXCLUSIVE MODE;
  INSERT INTO search_words (programme_id, word)
  SELECT programme_id, word
    FROM (SELECT DISTINCT programme_id, substr(token, 2) COLLATE "C" AS word
            FROM search_people, unnest(tsvector_to_array(tokens)) token
           WHERE id = ANY (ids) AND starts_with(token, 'n')) own
   WHERE NOT EXISTS (SELECT 1 FROM search_words w WHERE (w.programme_id, w.word) = (own.programme_id, own.word));
END $$;

CREATE FUNCTION take_from_search(ids uuid[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO search_words_left (programme_id, word)
  SELECT DISTINCT programme_id, substr(token, 2)
    FROM search_people, unnest(tsvector_to_array(tokens)) token
   WHERE id = ANY (ids) AND starts_with(token, 'n');
  DELETE FROM search_people WHERE id = ANY (ids);
END $$;

CREATE FUNCTION sweep_search_words() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  LOCK TABLE search_words IN SHARE ROW EXCLUSIVE MODE NOWAIT;
  WITH gone AS (DELETE FROM search_words_left RETURNING programme_id, word)
  DELETE FROM search_words w USING (SELECT DISTINCT programme_id, word FROM gone) b
   WHERE (w.programme_id, w.word) = (b.programme_id, b.word COLLATE "C")
     AND NOT EXISTS (SELECT 1 FROM search_people p
                      WHERE p.programme_id = b.programme_id AND p.tokens @@ ('''n' || b.word || '''')::tsquery);
  DELETE FROM search_words w
   USING (SELECT programme_id, word, min(ctid) AS first FROM search_words GROUP BY 1, 2 HAVING count(*) > 1) twice
   WHERE (w.programme_id, w.word) = (twice.programme_id, twice.word) AND w.ctid <> twice.first;
  RETURN true;
EXCEPTION WHEN lock_not_available THEN
  RETURN false;
END $$;

CREATE FUNCTION keep_search() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  changed uuid[];
BEGIN
  IF TG_OP = 'INSERT' THEN
    SELECT array_agg(id) INTO changed FROM new_people;
  ELSIF TG_OP = 'DELETE' THEN
    SELECT array_agg(id) INTO changed FROM old_people;
  ELSE
    SELECT array_agg(n.id) INTO changed FROM new_people n JOIN old_people o ON o.id = n.id
     WHERE (n.display_name, n.school, n.external_id, n.deleted, n.erased, n.merged_into)
        IS DISTINCT FROM (o.display_name, o.school, o.external_id, o.deleted, o.erased, o.merged_into);
  END IF;
  IF changed IS NULL THEN
    RETURN NULL;
  END IF;
  IF TG_OP <> 'INSERT' THEN
    PERFORM take_from_search(changed);
  END IF;
  IF TG_OP <> 'DELETE' THEN
    PERFORM put_into_search(changed);
  END IF;
  RETURN NULL;
END $$;
"""


SEARCH: Final = _search()
"""Folding as ``folding.folded_words`` and ``folding.spellings``, tokens as ``search.tokens``, and keeping both tables.

``search_tokens_of`` is the short way for most texts, which Postgres writes into the statement that calls it.

Writers never wait for each other's words: each brings those that it does not see, and takes out none. What somebody who
left bore is noted, and swept later, with words that came twice, by one who holds nothing else. The sweep waits for no
writer either: it takes place when none is at work, and lets none begin meanwhile. So that no writer misses what a sweep
took, he locks the table before he looks which words are there.
"""

TRIGGERS: Final = """
CREATE TRIGGER search_new AFTER INSERT ON participants REFERENCING NEW TABLE AS new_people
  FOR EACH STATEMENT EXECUTE FUNCTION keep_search();
CREATE TRIGGER search_changed AFTER UPDATE ON participants REFERENCING OLD TABLE AS old_people NEW TABLE AS new_people
  FOR EACH STATEMENT EXECUTE FUNCTION keep_search();
CREATE TRIGGER search_gone AFTER DELETE ON participants REFERENCING OLD TABLE AS old_people
  FOR EACH STATEMENT EXECUTE FUNCTION keep_search();
"""
