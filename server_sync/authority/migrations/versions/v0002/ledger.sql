-- Numbered in the order in which the rows were received, as far as that is known.
ALTER TABLE commands ADD COLUMN touched UUID[];
ALTER TABLE commands ADD COLUMN number BIGINT;
ALTER TABLE commands DISABLE TRIGGER stamp_changed;
UPDATE commands c SET
  number = n.number,
  touched = ARRAY(
    SELECT DISTINCT (m.found)[1]::uuid
      FROM regexp_matches(c.args::text || coalesce(c.effects::text, ''),
        '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}', 'g') AS m (found))
  FROM (SELECT id, row_number() OVER (ORDER BY received_at, incarnation, seq, id) AS number FROM commands) n
 WHERE n.id = c.id;
ALTER TABLE commands ENABLE TRIGGER stamp_changed;
ALTER TABLE commands ALTER COLUMN number SET NOT NULL;
ALTER TABLE commands ALTER COLUMN number ADD GENERATED ALWAYS AS IDENTITY;
SELECT setval(pg_get_serial_sequence('commands', 'number'), (SELECT coalesce(max(number), 0) + 1 FROM commands), false);
CREATE INDEX ix_commands_touched ON commands USING gin (touched);
