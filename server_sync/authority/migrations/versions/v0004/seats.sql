CREATE INDEX ix_slot_seats_seat_id ON slot_seats (seat_id);
