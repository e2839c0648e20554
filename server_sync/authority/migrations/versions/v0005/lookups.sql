CREATE INDEX ix_events_programme_id_category ON events (programme_id, category);
CREATE INDEX ix_events_programme_id_is_active ON events (programme_id, is_active);
DROP INDEX ix_event_time_blocks_event_id;
CREATE INDEX ix_event_time_blocks_event_id_location_id_start_time
  ON event_time_blocks (event_id, location_id, start_time);
CREATE INDEX ix_flags_programme_id_subject ON flags (programme_id, subject);
CREATE INDEX ix_slot_reservations_any_slot ON slot_reservations (event_id) WHERE claim = 'waitlisted' AND any_slot;
