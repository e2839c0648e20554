CREATE INDEX ix_event_slots_programme_id_start_time ON event_slots (programme_id, start_time);
CREATE INDEX ix_attendance_no_show ON attendance (programme_id) WHERE kind = 'no_show';
DROP INDEX ix_commands_programme_id_received_at;
CREATE INDEX ix_commands_programme_id_number ON commands (programme_id, number);
CREATE INDEX ix_commands_unlinked ON commands (programme_id) WHERE status = 'rejected' OR kind = 'import.apply';
CREATE INDEX ix_commands_received_at ON commands USING brin (received_at);
