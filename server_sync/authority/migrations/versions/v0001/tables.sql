CREATE SEQUENCE ref_programmes INCREMENT BY 1000 START WITH 0 MINVALUE 0;
CREATE SEQUENCE ref_locations INCREMENT BY 1000 START WITH 0 MINVALUE 0;
CREATE SEQUENCE ref_events INCREMENT BY 1000 START WITH 0 MINVALUE 0;
CREATE SEQUENCE ref_groups INCREMENT BY 1000 START WITH 0 MINVALUE 0;
CREATE SEQUENCE ref_participants INCREMENT BY 1000 START WITH 0 MINVALUE 0;
CREATE SEQUENCE ref_slot_reservations INCREMENT BY 1000 START WITH 0 MINVALUE 0;

CREATE TABLE programmes (
  id UUID NOT NULL,
  programme_id UUID NOT NULL,
  name TEXT NOT NULL,
  time_zone TEXT NOT NULL,
  status TEXT NOT NULL,
  practice BOOLEAN NOT NULL,
  ref TEXT,
  starts_on DATE,
  ends_on DATE,
  settings JSONB,
  deleted BOOLEAN,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  last_xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
  CONSTRAINT pk_programmes PRIMARY KEY (id),
  CONSTRAINT ck_programmes_status CHECK (status IN ('draft', 'published', 'archived')),
  CONSTRAINT ck_programmes_own_programme CHECK (programme_id = id),
  CONSTRAINT ck_programmes_starts_before_it_ends CHECK (ends_on >= starts_on),
  CONSTRAINT uq_programmes_ref UNIQUE (ref)
);
CREATE INDEX ix_programmes_programme_id_last_xid ON programmes (programme_id, last_xid);

CREATE TABLE server_settings (
  id BOOLEAN DEFAULT true NOT NULL,
  epoch TEXT NOT NULL,
  secret BYTEA NOT NULL,
  restore_counter INTEGER DEFAULT 0 NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  CONSTRAINT pk_server_settings PRIMARY KEY (id),
  CONSTRAINT ck_server_settings_one_row CHECK (id),
  CONSTRAINT ck_server_settings_secret_long_enough CHECK (length(secret) >= 32)
);

CREATE TABLE credentials (
  id UUID NOT NULL,
  programme_id UUID NOT NULL,
  holder TEXT NOT NULL,
  holder_id UUID NOT NULL,
  role TEXT NOT NULL,
  revoked_at TIMESTAMP WITH TIME ZONE,
  deleted BOOLEAN,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  last_xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
  CONSTRAINT pk_credentials PRIMARY KEY (id),
  CONSTRAINT ck_credentials_holder CHECK (holder IN ('device', 'staff')),
  CONSTRAINT ck_credentials_role CHECK (role IN ('public', 'volunteer', 'room_manager', 'admin')),
  CONSTRAINT fk_credentials_programme_id FOREIGN KEY(programme_id) REFERENCES programmes (id)
);
CREATE INDEX ix_credentials_holder_id ON credentials (holder_id);
CREATE INDEX ix_credentials_programme_id_last_xid ON credentials (programme_id, last_xid);

CREATE TABLE devices (
  id UUID NOT NULL,
  programme_id UUID NOT NULL,
  name TEXT NOT NULL,
  ceiling TEXT NOT NULL,
  enrolled_at TIMESTAMP WITH TIME ZONE NOT NULL,
  revoked_at TIMESTAMP WITH TIME ZONE,
  deleted BOOLEAN,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  last_xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
  CONSTRAINT pk_devices PRIMARY KEY (id),
  CONSTRAINT ck_devices_ceiling CHECK (ceiling IN ('public', 'volunteer', 'room_manager', 'admin')),
  CONSTRAINT fk_devices_programme_id FOREIGN KEY(programme_id) REFERENCES programmes (id)
);
CREATE INDEX ix_devices_programme_id_last_xid ON devices (programme_id, last_xid);

CREATE TABLE event_rules (
  id UUID NOT NULL,
  programme_id UUID NOT NULL,
  name TEXT NOT NULL,
  description TEXT,
  configuration JSONB,
  deleted BOOLEAN,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  last_xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
  CONSTRAINT pk_event_rules PRIMARY KEY (id),
  CONSTRAINT fk_event_rules_programme_id FOREIGN KEY(programme_id) REFERENCES programmes (id)
);
CREATE INDEX ix_event_rules_programme_id_last_xid ON event_rules (programme_id, last_xid);

CREATE TABLE groups (
  id UUID NOT NULL,
  programme_id UUID NOT NULL,
  name TEXT NOT NULL,
  ref TEXT,
  school TEXT,
  external_id TEXT,
  metadata JSONB,
  deleted BOOLEAN,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  last_xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
  CONSTRAINT pk_groups PRIMARY KEY (id),
  CONSTRAINT uq_groups_ref UNIQUE (ref),
  CONSTRAINT fk_groups_programme_id FOREIGN KEY(programme_id) REFERENCES programmes (id)
);
CREATE INDEX ix_groups_programme_id_last_xid ON groups (programme_id, last_xid);
CREATE UNIQUE INDEX uq_groups_programme_id_external_id ON groups (programme_id, external_id) WHERE deleted IS NOT TRUE;

CREATE TABLE locations (
  id UUID NOT NULL,
  programme_id UUID NOT NULL,
  name TEXT NOT NULL,
  ref TEXT,
  building TEXT,
  city TEXT,
  capacity INTEGER,
  notes TEXT,
  external_id TEXT,
  position INTEGER,
  metadata JSONB,
  deleted BOOLEAN,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  last_xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
  CONSTRAINT pk_locations PRIMARY KEY (id),
  CONSTRAINT ck_locations_places_positive CHECK (capacity > 0),
  CONSTRAINT uq_locations_ref UNIQUE (ref),
  CONSTRAINT fk_locations_programme_id FOREIGN KEY(programme_id) REFERENCES programmes (id)
);
CREATE INDEX ix_locations_programme_id_last_xid ON locations (programme_id, last_xid);
CREATE UNIQUE INDEX uq_locations_programme_id_external_id ON locations (programme_id, external_id) WHERE deleted IS NOT TRUE;

CREATE TABLE staff (
  id UUID NOT NULL,
  programme_id UUID NOT NULL,
  name TEXT NOT NULL,
  role TEXT NOT NULL,
  is_active BOOLEAN NOT NULL,
  deleted BOOLEAN,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  last_xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
  CONSTRAINT pk_staff PRIMARY KEY (id),
  CONSTRAINT ck_staff_role CHECK (role IN ('public', 'volunteer', 'room_manager', 'admin')),
  CONSTRAINT fk_staff_programme_id FOREIGN KEY(programme_id) REFERENCES programmes (id)
);
CREATE INDEX ix_staff_programme_id_last_xid ON staff (programme_id, last_xid);

CREATE TABLE commands (
  id UUID NOT NULL,
  programme_id UUID,
  principal TEXT NOT NULL,
  actor TEXT NOT NULL,
  device_id UUID,
  incarnation INTEGER,
  seq BIGINT,
  kind TEXT NOT NULL,
  v INTEGER NOT NULL,
  args JSON NOT NULL,
  hash BYTEA NOT NULL,
  status TEXT NOT NULL,
  code TEXT,
  details JSON,
  effects JSON,
  occurred_at TIMESTAMP WITH TIME ZONE,
  received_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  last_xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
  CONSTRAINT pk_commands PRIMARY KEY (id),
  CONSTRAINT ck_commands_status CHECK (status IN ('applied', 'rejected', 'failed')),
  CONSTRAINT ck_commands_hash_length CHECK (length(hash) = 16),
  CONSTRAINT ck_commands_refused_with_a_code CHECK (status <> 'rejected' OR code IS NOT NULL),
  CONSTRAINT ck_commands_place_in_a_queue CHECK (seq IS NULL OR (device_id IS NOT NULL AND incarnation >= 1 AND seq >= 1)),
  CONSTRAINT fk_commands_device_id FOREIGN KEY(device_id) REFERENCES devices (id)
);
CREATE INDEX ix_commands_device_id_last_xid ON commands (device_id, last_xid) WHERE seq IS NOT NULL;
CREATE INDEX ix_commands_programme_id_received_at ON commands (programme_id, received_at);
CREATE UNIQUE INDEX uq_commands_device_id_incarnation_seq ON commands (device_id, incarnation, seq) WHERE seq IS NOT NULL;

CREATE TABLE device_cursors (
  device_id UUID NOT NULL,
  incarnation INTEGER DEFAULT 1 NOT NULL,
  last_seq BIGINT DEFAULT 0 NOT NULL,
  last_seen TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  waiting INTEGER,
  CONSTRAINT pk_device_cursors PRIMARY KEY (device_id),
  CONSTRAINT ck_device_cursors_incarnation_positive CHECK (incarnation >= 1),
  CONSTRAINT ck_device_cursors_last_seq_not_negative CHECK (last_seq >= 0),
  CONSTRAINT fk_device_cursors_device_id FOREIGN KEY(device_id) REFERENCES devices (id)
);

CREATE TABLE enrolments (
  id UUID NOT NULL,
  programme_id UUID NOT NULL,
  name TEXT NOT NULL,
  ceiling TEXT NOT NULL,
  expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
  used_at TIMESTAMP WITH TIME ZONE,
  device_id UUID,
  deleted BOOLEAN,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  last_xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
  CONSTRAINT pk_enrolments PRIMARY KEY (id),
  CONSTRAINT ck_enrolments_ceiling CHECK (ceiling IN ('public', 'volunteer', 'room_manager', 'admin')),
  CONSTRAINT fk_enrolments_programme_id FOREIGN KEY(programme_id) REFERENCES programmes (id),
  CONSTRAINT fk_enrolments_device_id FOREIGN KEY(device_id) REFERENCES devices (id) DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX ix_enrolments_programme_id_last_xid ON enrolments (programme_id, last_xid);

CREATE TABLE events (
  id UUID NOT NULL,
  programme_id UUID NOT NULL,
  name TEXT NOT NULL,
  category TEXT NOT NULL,
  type TEXT NOT NULL,
  is_active BOOLEAN NOT NULL,
  points_first INTEGER NOT NULL,
  points_second INTEGER NOT NULL,
  points_third INTEGER NOT NULL,
  waitlist_enabled BOOLEAN NOT NULL,
  waitlist_order TEXT NOT NULL,
  reserved_count INTEGER NOT NULL,
  overbooked_count INTEGER NOT NULL,
  ref TEXT,
  description TEXT,
  artists TEXT[],
  tags TEXT[],
  rules_id UUID,
  capacity INTEGER,
  master_start TIMESTAMP WITH TIME ZONE,
  master_end TIMESTAMP WITH TIME ZONE,
  price BIGINT,
  fee BIGINT,
  currency TEXT,
  seat_type_prices JSONB,
  external_id TEXT,
  metadata JSONB,
  deleted BOOLEAN,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  last_xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
  CONSTRAINT pk_events PRIMARY KEY (id),
  CONSTRAINT ck_events_category CHECK (category IN ('music', 'arts', 'drama', 'dance', 'sports', 'academic', 'technology', 'talk', 'other')),
  CONSTRAINT ck_events_type CHECK (type IN ('individual', 'team')),
  CONSTRAINT ck_events_waitlist_order CHECK (waitlist_order IN ('strict', 'best_fit')),
  CONSTRAINT ck_events_places_positive CHECK (capacity > 0),
  CONSTRAINT ck_events_reserved_not_negative CHECK (reserved_count >= 0),
  CONSTRAINT ck_events_overbooked_not_negative CHECK (overbooked_count >= 0),
  CONSTRAINT ck_events_within_capacity CHECK (reserved_count <= capacity + overbooked_count),
  CONSTRAINT ck_events_ends_after_it_starts CHECK (master_end > master_start),
  CONSTRAINT ck_events_money_not_negative CHECK (price >= 0 AND fee >= 0),
  CONSTRAINT uq_events_ref UNIQUE (ref),
  CONSTRAINT fk_events_programme_id FOREIGN KEY(programme_id) REFERENCES programmes (id),
  CONSTRAINT fk_events_rules_id FOREIGN KEY(rules_id) REFERENCES event_rules (id) DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX ix_events_programme_id_last_xid ON events (programme_id, last_xid);
CREATE UNIQUE INDEX uq_events_programme_id_external_id ON events (programme_id, external_id) WHERE deleted IS NOT TRUE;

CREATE TABLE participants (
  id UUID NOT NULL,
  programme_id UUID NOT NULL,
  display_name TEXT NOT NULL,
  ref TEXT,
  first_name TEXT,
  last_name TEXT,
  external_id TEXT,
  school TEXT,
  grade TEXT,
  age INTEGER,
  group_id UUID,
  contact TEXT,
  merged_into UUID,
  erased BOOLEAN,
  metadata JSONB,
  deleted BOOLEAN,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  last_xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
  CONSTRAINT pk_participants PRIMARY KEY (id),
  CONSTRAINT ck_participants_age_not_negative CHECK (age >= 0),
  CONSTRAINT uq_participants_ref UNIQUE (ref),
  CONSTRAINT fk_participants_programme_id FOREIGN KEY(programme_id) REFERENCES programmes (id),
  CONSTRAINT fk_participants_group_id FOREIGN KEY(group_id) REFERENCES groups (id) DEFERRABLE INITIALLY DEFERRED,
  CONSTRAINT fk_participants_merged_into FOREIGN KEY(merged_into) REFERENCES participants (id) DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX ix_participants_group_id ON participants (group_id) WHERE group_id IS NOT NULL;
CREATE INDEX ix_participants_names_trigrams ON participants USING gin (folded(display_name) gin_trgm_ops);
CREATE INDEX ix_participants_names_words ON participants USING gin (to_tsvector('simple'::regconfig, folded(display_name)));
CREATE INDEX ix_participants_programme_id_last_xid ON participants (programme_id, last_xid);
CREATE UNIQUE INDEX uq_participants_programme_id_external_id ON participants (programme_id, external_id) WHERE deleted IS NOT TRUE;

CREATE TABLE seats (
  id UUID NOT NULL,
  programme_id UUID NOT NULL,
  location_id UUID NOT NULL,
  row TEXT NOT NULL,
  number INTEGER NOT NULL,
  seat_type TEXT NOT NULL,
  deleted BOOLEAN,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  last_xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
  CONSTRAINT pk_seats PRIMARY KEY (id),
  CONSTRAINT ck_seats_row_named CHECK ("row" <> ''),
  CONSTRAINT ck_seats_number_positive CHECK (number > 0),
  CONSTRAINT fk_seats_programme_id FOREIGN KEY(programme_id) REFERENCES programmes (id),
  CONSTRAINT fk_seats_location_id FOREIGN KEY(location_id) REFERENCES locations (id)
);
CREATE INDEX ix_seats_programme_id_last_xid ON seats (programme_id, last_xid);
CREATE UNIQUE INDEX uq_seats_position ON seats (location_id, row, number) WHERE deleted IS NOT TRUE;

CREATE TABLE event_locations (
  id UUID NOT NULL,
  programme_id UUID NOT NULL,
  event_id UUID NOT NULL,
  location_id UUID NOT NULL,
  deleted BOOLEAN,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  last_xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
  CONSTRAINT pk_event_locations PRIMARY KEY (id),
  CONSTRAINT fk_event_locations_programme_id FOREIGN KEY(programme_id) REFERENCES programmes (id),
  CONSTRAINT fk_event_locations_event_id FOREIGN KEY(event_id) REFERENCES events (id),
  CONSTRAINT fk_event_locations_location_id FOREIGN KEY(location_id) REFERENCES locations (id)
);
CREATE INDEX ix_event_locations_location_id ON event_locations (location_id);
CREATE INDEX ix_event_locations_programme_id_last_xid ON event_locations (programme_id, last_xid);
CREATE UNIQUE INDEX uq_event_locations_event_id_location_id ON event_locations (event_id, location_id) WHERE deleted IS NOT TRUE;

CREATE TABLE event_time_blocks (
  id UUID NOT NULL,
  programme_id UUID NOT NULL,
  event_id UUID NOT NULL,
  location_id UUID NOT NULL,
  start_time TIMESTAMP WITH TIME ZONE NOT NULL,
  end_time TIMESTAMP WITH TIME ZONE NOT NULL,
  manual_slots BOOLEAN NOT NULL,
  status TEXT NOT NULL,
  waived BOOLEAN NOT NULL,
  reserved_count INTEGER NOT NULL,
  overbooked_count INTEGER NOT NULL,
  slot_duration_minutes INTEGER,
  max_capacity INTEGER,
  waived_reason TEXT,
  external_id TEXT,
  notes TEXT,
  deleted BOOLEAN,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  last_xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
  CONSTRAINT pk_event_time_blocks PRIMARY KEY (id),
  CONSTRAINT ck_event_time_blocks_status CHECK (status IN ('open', 'closed', 'cancelled')),
  CONSTRAINT ck_event_time_blocks_places_positive CHECK (max_capacity > 0),
  CONSTRAINT ck_event_time_blocks_duration_positive CHECK (slot_duration_minutes > 0),
  CONSTRAINT ck_event_time_blocks_ends_after_it_starts CHECK (end_time > start_time),
  CONSTRAINT ck_event_time_blocks_reserved_not_negative CHECK (reserved_count >= 0),
  CONSTRAINT ck_event_time_blocks_overbooked_not_negative CHECK (overbooked_count >= 0),
  CONSTRAINT ck_event_time_blocks_within_capacity CHECK (reserved_count <= max_capacity + overbooked_count),
  CONSTRAINT ex_event_time_blocks_room_taken EXCLUDE USING gist (location_id WITH =, tstzrange(start_time, end_time) WITH &&) WHERE (NOT waived AND status <> 'cancelled' AND deleted IS NOT TRUE) DEFERRABLE INITIALLY DEFERRED,
  CONSTRAINT fk_event_time_blocks_programme_id FOREIGN KEY(programme_id) REFERENCES programmes (id),
  CONSTRAINT fk_event_time_blocks_event_id FOREIGN KEY(event_id) REFERENCES events (id),
  CONSTRAINT fk_event_time_blocks_location_id FOREIGN KEY(location_id) REFERENCES locations (id) DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX ix_event_time_blocks_event_id ON event_time_blocks (event_id);
CREATE INDEX ix_event_time_blocks_location_id ON event_time_blocks (location_id);
CREATE INDEX ix_event_time_blocks_programme_id_last_xid ON event_time_blocks (programme_id, last_xid);

CREATE TABLE flags (
  id UUID NOT NULL,
  programme_id UUID NOT NULL,
  audience TEXT NOT NULL,
  subject TEXT NOT NULL,
  reason TEXT NOT NULL,
  command_id UUID NOT NULL,
  raised_at TIMESTAMP WITH TIME ZONE NOT NULL,
  details JSONB,
  resolved_at TIMESTAMP WITH TIME ZONE,
  resolved_by TEXT,
  resolution TEXT,
  deleted BOOLEAN,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  last_xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
  CONSTRAINT pk_flags PRIMARY KEY (id),
  CONSTRAINT fk_flags_programme_id FOREIGN KEY(programme_id) REFERENCES programmes (id),
  CONSTRAINT fk_flags_command_id FOREIGN KEY(command_id) REFERENCES commands (id) DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX ix_flags_open ON flags (programme_id, audience) WHERE resolved_at IS NULL;
CREATE INDEX ix_flags_programme_id_last_xid ON flags (programme_id, last_xid);

CREATE TABLE event_slots (
  id UUID NOT NULL,
  programme_id UUID NOT NULL,
  time_block_id UUID NOT NULL,
  event_id UUID NOT NULL,
  location_id UUID NOT NULL,
  start_time TIMESTAMP WITH TIME ZONE NOT NULL,
  end_time TIMESTAMP WITH TIME ZONE NOT NULL,
  slot_number INTEGER NOT NULL,
  capacity INTEGER NOT NULL,
  reserved_count INTEGER NOT NULL,
  overbooked_count INTEGER NOT NULL,
  status TEXT NOT NULL,
  created_by_admin BOOLEAN NOT NULL,
  status_reason TEXT,
  deleted BOOLEAN,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  last_xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
  CONSTRAINT pk_event_slots PRIMARY KEY (id),
  CONSTRAINT ck_event_slots_status CHECK (status IN ('open', 'closed', 'cancelled')),
  CONSTRAINT ck_event_slots_places_positive CHECK (capacity > 0),
  CONSTRAINT ck_event_slots_ends_after_it_starts CHECK (end_time > start_time),
  CONSTRAINT ck_event_slots_reserved_not_negative CHECK (reserved_count >= 0),
  CONSTRAINT ck_event_slots_overbooked_not_negative CHECK (overbooked_count >= 0),
  CONSTRAINT ck_event_slots_within_capacity CHECK (reserved_count <= capacity + overbooked_count),
  CONSTRAINT fk_event_slots_programme_id FOREIGN KEY(programme_id) REFERENCES programmes (id),
  CONSTRAINT fk_event_slots_time_block_id FOREIGN KEY(time_block_id) REFERENCES event_time_blocks (id),
  CONSTRAINT fk_event_slots_event_id FOREIGN KEY(event_id) REFERENCES events (id),
  CONSTRAINT fk_event_slots_location_id FOREIGN KEY(location_id) REFERENCES locations (id) DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX ix_event_slots_event_id_start_time ON event_slots (event_id, start_time);
CREATE INDEX ix_event_slots_location_id_start_time ON event_slots (location_id, start_time);
CREATE INDEX ix_event_slots_programme_id_last_xid ON event_slots (programme_id, last_xid);
CREATE INDEX ix_event_slots_time_block_id ON event_slots (time_block_id);

CREATE TABLE slot_reservations (
  id UUID NOT NULL,
  programme_id UUID NOT NULL,
  slot_id UUID NOT NULL,
  event_id UUID NOT NULL,
  location_id UUID NOT NULL,
  time_block_id UUID NOT NULL,
  claim TEXT NOT NULL,
  spots INTEGER NOT NULL,
  reserved_at TIMESTAMP WITH TIME ZONE NOT NULL,
  placement_version INTEGER NOT NULL,
  version INTEGER NOT NULL,
  ref TEXT,
  participant_id UUID,
  group_id UUID,
  reserved_name TEXT,
  reserved_contact TEXT,
  guests INTEGER,
  confirmed_at TIMESTAMP WITH TIME ZONE,
  cancelled_at TIMESTAMP WITH TIME ZONE,
  expires_at TIMESTAMP WITH TIME ZONE,
  queued_at TIMESTAMP WITH TIME ZONE,
  override_reason TEXT,
  special_requirements TEXT,
  metadata JSONB,
  deleted BOOLEAN,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  last_xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
  CONSTRAINT pk_slot_reservations PRIMARY KEY (id),
  CONSTRAINT ck_slot_reservations_claim CHECK (claim IN ('held', 'waitlisted', 'reserved', 'cancelled', 'expired')),
  CONSTRAINT ck_slot_reservations_spots_positive CHECK (spots >= 1),
  CONSTRAINT ck_slot_reservations_guests_not_negative CHECK (guests >= 0),
  CONSTRAINT ck_slot_reservations_guests_within_spots CHECK (guests < spots),
  CONSTRAINT ck_slot_reservations_versions_positive CHECK (version >= 1 AND placement_version BETWEEN 1 AND version),
  CONSTRAINT ck_slot_reservations_name_not_empty CHECK (reserved_name <> ''),
  CONSTRAINT uq_slot_reservations_ref UNIQUE (ref),
  CONSTRAINT fk_slot_reservations_slot_id FOREIGN KEY(slot_id) REFERENCES event_slots (id),
  CONSTRAINT fk_slot_reservations_location_id FOREIGN KEY(location_id) REFERENCES locations (id) DEFERRABLE INITIALLY DEFERRED,
  CONSTRAINT fk_slot_reservations_participant_id FOREIGN KEY(participant_id) REFERENCES participants (id),
  CONSTRAINT fk_slot_reservations_group_id FOREIGN KEY(group_id) REFERENCES groups (id)
);
CREATE INDEX ix_slot_reservations_expires_at ON slot_reservations (expires_at) WHERE claim = 'held';
CREATE INDEX ix_slot_reservations_group_id ON slot_reservations (group_id) WHERE group_id IS NOT NULL;
CREATE INDEX ix_slot_reservations_participant_id_claim ON slot_reservations (participant_id, claim) WHERE participant_id IS NOT NULL;
CREATE INDEX ix_slot_reservations_programme_id_last_xid ON slot_reservations (programme_id, last_xid);
CREATE INDEX ix_slot_reservations_slot_id_claim ON slot_reservations (slot_id, claim);

CREATE TABLE attendance (
  id UUID NOT NULL,
  programme_id UUID NOT NULL,
  reservation_id UUID NOT NULL,
  kind TEXT NOT NULL,
  occurred_at TIMESTAMP WITH TIME ZONE NOT NULL,
  command_id UUID NOT NULL,
  actor TEXT NOT NULL,
  participant_id UUID,
  device_id UUID,
  undoes UUID,
  deleted BOOLEAN,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  last_xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
  CONSTRAINT pk_attendance PRIMARY KEY (id),
  CONSTRAINT ck_attendance_kind CHECK (kind IN ('arrived', 'performed', 'no_show', 'undone')),
  CONSTRAINT ck_attendance_undone_names_a_command CHECK ((kind = 'undone') = (undoes IS NOT NULL)),
  CONSTRAINT fk_attendance_programme_id FOREIGN KEY(programme_id) REFERENCES programmes (id),
  CONSTRAINT fk_attendance_reservation_id FOREIGN KEY(reservation_id) REFERENCES slot_reservations (id),
  CONSTRAINT fk_attendance_command_id FOREIGN KEY(command_id) REFERENCES commands (id) DEFERRABLE INITIALLY DEFERRED,
  CONSTRAINT fk_attendance_participant_id FOREIGN KEY(participant_id) REFERENCES participants (id),
  CONSTRAINT fk_attendance_device_id FOREIGN KEY(device_id) REFERENCES devices (id),
  CONSTRAINT fk_attendance_undoes FOREIGN KEY(undoes) REFERENCES commands (id) DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX ix_attendance_command_id ON attendance (command_id);
CREATE INDEX ix_attendance_participant_id ON attendance (participant_id) WHERE participant_id IS NOT NULL;
CREATE INDEX ix_attendance_programme_id_last_xid ON attendance (programme_id, last_xid);
CREATE INDEX ix_attendance_reservation_id ON attendance (reservation_id);

CREATE TABLE notifications (
  id UUID NOT NULL,
  programme_id UUID NOT NULL,
  command_id UUID NOT NULL,
  reservation_id UUID,
  participant_id UUID,
  channel TEXT NOT NULL,
  template TEXT NOT NULL,
  address TEXT NOT NULL,
  details JSONB,
  status TEXT NOT NULL,
  attempts INTEGER DEFAULT 0 NOT NULL,
  send_after TIMESTAMP WITH TIME ZONE NOT NULL,
  sent_at TIMESTAMP WITH TIME ZONE,
  problem TEXT,
  deleted BOOLEAN,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  last_xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
  CONSTRAINT pk_notifications PRIMARY KEY (id),
  CONSTRAINT ck_notifications_channel CHECK (channel IN ('email', 'sms', 'webhook', 'live')),
  CONSTRAINT ck_notifications_status CHECK (status IN ('waiting', 'sent', 'failed', 'dropped')),
  CONSTRAINT ck_notifications_attempts_not_negative CHECK (attempts >= 0),
  CONSTRAINT fk_notifications_programme_id FOREIGN KEY(programme_id) REFERENCES programmes (id),
  CONSTRAINT fk_notifications_command_id FOREIGN KEY(command_id) REFERENCES commands (id) DEFERRABLE INITIALLY DEFERRED,
  CONSTRAINT fk_notifications_reservation_id FOREIGN KEY(reservation_id) REFERENCES slot_reservations (id),
  CONSTRAINT fk_notifications_participant_id FOREIGN KEY(participant_id) REFERENCES participants (id)
);
CREATE INDEX ix_notifications_programme_id_last_xid ON notifications (programme_id, last_xid);
CREATE INDEX ix_notifications_reservation_id ON notifications (reservation_id) WHERE reservation_id IS NOT NULL;
CREATE INDEX ix_notifications_send_after ON notifications (send_after) WHERE status = 'waiting';

CREATE TABLE payments (
  id UUID NOT NULL,
  programme_id UUID NOT NULL,
  reservation_id UUID NOT NULL,
  provider TEXT NOT NULL,
  provider_id TEXT,
  status TEXT NOT NULL,
  amount BIGINT NOT NULL,
  fee BIGINT NOT NULL,
  currency TEXT NOT NULL,
  paid_at TIMESTAMP WITH TIME ZONE,
  details JSONB,
  deleted BOOLEAN,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  last_xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
  CONSTRAINT pk_payments PRIMARY KEY (id),
  CONSTRAINT ck_payments_status CHECK (status IN ('pending', 'paid', 'failed', 'refunded')),
  CONSTRAINT ck_payments_amount_not_negative CHECK (amount >= 0 AND fee >= 0),
  CONSTRAINT uq_payments_provider_provider_id UNIQUE (provider, provider_id),
  CONSTRAINT fk_payments_programme_id FOREIGN KEY(programme_id) REFERENCES programmes (id),
  CONSTRAINT fk_payments_reservation_id FOREIGN KEY(reservation_id) REFERENCES slot_reservations (id)
);
CREATE INDEX ix_payments_programme_id_last_xid ON payments (programme_id, last_xid);
CREATE INDEX ix_payments_reservation_id ON payments (reservation_id);

CREATE TABLE reservation_members (
  id UUID NOT NULL,
  programme_id UUID NOT NULL,
  reservation_id UUID NOT NULL,
  participant_id UUID NOT NULL,
  slot_id UUID NOT NULL,
  start_time TIMESTAMP WITH TIME ZONE NOT NULL,
  end_time TIMESTAMP WITH TIME ZONE NOT NULL,
  live BOOLEAN NOT NULL,
  waived BOOLEAN NOT NULL,
  waived_reason TEXT,
  deleted BOOLEAN,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  last_xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
  CONSTRAINT pk_reservation_members PRIMARY KEY (id),
  CONSTRAINT ck_reservation_members_ends_after_it_starts CHECK (end_time > start_time),
  CONSTRAINT ex_reservation_members_double_booked EXCLUDE USING gist (participant_id WITH =, tstzrange(start_time, end_time) WITH &&) WHERE (live AND NOT waived AND deleted IS NOT TRUE) DEFERRABLE INITIALLY DEFERRED,
  CONSTRAINT fk_reservation_members_reservation_id FOREIGN KEY(reservation_id) REFERENCES slot_reservations (id),
  CONSTRAINT fk_reservation_members_participant_id FOREIGN KEY(participant_id) REFERENCES participants (id),
  CONSTRAINT fk_reservation_members_slot_id FOREIGN KEY(slot_id) REFERENCES event_slots (id)
);
CREATE INDEX ix_reservation_members_participant_id ON reservation_members (participant_id) WHERE live;
CREATE INDEX ix_reservation_members_programme_id_last_xid ON reservation_members (programme_id, last_xid);
CREATE INDEX ix_reservation_members_reservation_id ON reservation_members (reservation_id);

CREATE TABLE room_days (
  id UUID NOT NULL,
  programme_id UUID NOT NULL,
  location_id UUID NOT NULL,
  day DATE NOT NULL,
  delay_minutes INTEGER NOT NULL,
  version INTEGER NOT NULL,
  on_stage_id UUID,
  on_stage_since TIMESTAMP WITH TIME ZONE,
  called UUID[],
  skipped UUID[],
  deleted BOOLEAN,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  last_xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
  CONSTRAINT pk_room_days PRIMARY KEY (id),
  CONSTRAINT ck_room_days_version_positive CHECK (version >= 1),
  CONSTRAINT uq_room_days_location_id_day UNIQUE (location_id, day),
  CONSTRAINT fk_room_days_programme_id FOREIGN KEY(programme_id) REFERENCES programmes (id),
  CONSTRAINT fk_room_days_location_id FOREIGN KEY(location_id) REFERENCES locations (id),
  CONSTRAINT fk_room_days_on_stage_id FOREIGN KEY(on_stage_id) REFERENCES slot_reservations (id) DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX ix_room_days_programme_id_last_xid ON room_days (programme_id, last_xid);

CREATE TABLE slot_seats (
  id UUID NOT NULL,
  programme_id UUID NOT NULL,
  slot_id UUID NOT NULL,
  seat_id UUID NOT NULL,
  state TEXT NOT NULL,
  price BIGINT,
  reservation_id UUID,
  held_until TIMESTAMP WITH TIME ZONE,
  deleted BOOLEAN,
  created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
  last_xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
  CONSTRAINT pk_slot_seats PRIMARY KEY (id),
  CONSTRAINT ck_slot_seats_state CHECK (state IN ('available', 'held', 'booked')),
  CONSTRAINT ck_slot_seats_taken_by_a_reservation CHECK ((state = 'available') = (reservation_id IS NULL)),
  CONSTRAINT ck_slot_seats_held_until_a_time CHECK ((state = 'held') = (held_until IS NOT NULL)),
  CONSTRAINT ck_slot_seats_price_not_negative CHECK (price >= 0),
  CONSTRAINT uq_slot_seats_slot_id_seat_id UNIQUE (slot_id, seat_id),
  CONSTRAINT fk_slot_seats_programme_id FOREIGN KEY(programme_id) REFERENCES programmes (id),
  CONSTRAINT fk_slot_seats_slot_id FOREIGN KEY(slot_id) REFERENCES event_slots (id),
  CONSTRAINT fk_slot_seats_seat_id FOREIGN KEY(seat_id) REFERENCES seats (id),
  CONSTRAINT fk_slot_seats_reservation_id FOREIGN KEY(reservation_id) REFERENCES slot_reservations (id)
);
CREATE INDEX ix_slot_seats_programme_id_last_xid ON slot_seats (programme_id, last_xid);
CREATE INDEX ix_slot_seats_reservation_id ON slot_seats (reservation_id) WHERE reservation_id IS NOT NULL;
