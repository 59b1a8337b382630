package store

// schema0002: registrations, call records and the cursors of those who write
// them. History refers to people and devices by value, never by foreign key: it
// outlives them, and may be written after they were deleted.
const schema0002 = `
CREATE TABLE cursors (
	name text PRIMARY KEY,
	position bigint NOT NULL
);
CREATE TABLE bindings (
	device text NOT NULL,
	key_hash text NOT NULL,
	username text NOT NULL,
	extension text NOT NULL,
	contact text NOT NULL,
	instance_id text NOT NULL,
	reg_id integer NOT NULL,
	path text NOT NULL,
	user_agent text NOT NULL,
	call_id text NOT NULL,
	cseq bigint NOT NULL,
	q double precision NOT NULL,
	edge text NOT NULL,
	remote text NOT NULL,
	conn_id bigint NOT NULL,
	registered_at {time} NOT NULL,
	expires_at {time} NOT NULL,
	PRIMARY KEY (device, key_hash)
);
CREATE TABLE calls (
	id text PRIMARY KEY,
	from_number text NOT NULL,
	from_name text NOT NULL,
	from_extension text NOT NULL,
	from_user text NOT NULL,
	from_device text NOT NULL,
	from_language text NOT NULL,
	dialled text NOT NULL,
	to_target text NOT NULL,
	answerer_number text NOT NULL,
	answerer_name text NOT NULL,
	answerer_extension text NOT NULL,
	answerer_user text NOT NULL,
	answerer_device text NOT NULL,
	answerer_language text NOT NULL,
	started_at {time} NOT NULL,
	rang_at {time},
	answered_at {time},
	ended_at {time},
	cause_code text NOT NULL,
	cause_by text NOT NULL,
	cause_text text NOT NULL,
	search text NOT NULL
);
CREATE INDEX calls_started ON calls (started_at, id);
CREATE INDEX calls_cause ON calls (cause_code, started_at, id);
CREATE INDEX calls_open ON calls (started_at, id) WHERE ended_at IS NULL;
CREATE TABLE call_parties (
	extension text NOT NULL,
	started_at {time} NOT NULL,
	call_id text NOT NULL,
	PRIMARY KEY (extension, started_at, call_id)
);
CREATE INDEX call_parties_call ON call_parties (call_id);
CREATE TABLE legs (
	call_id text NOT NULL,
	position integer NOT NULL,
	id text NOT NULL,
	parent text NOT NULL,
	incoming boolean NOT NULL,
	party_number text NOT NULL,
	party_name text NOT NULL,
	party_extension text NOT NULL,
	party_user text NOT NULL,
	party_device text NOT NULL,
	party_language text NOT NULL,
	edge text NOT NULL,
	remote text NOT NULL,
	sip_call text NOT NULL,
	user_agent text NOT NULL,
	started_at {time},
	rang_at {time},
	answered_at {time},
	ended_at {time},
	cause_code text NOT NULL,
	cause_by text NOT NULL,
	cause_text text NOT NULL,
	quality_codec text NOT NULL,
	quality_packets_sent bigint NOT NULL,
	quality_packets_received bigint NOT NULL,
	quality_packets_lost bigint NOT NULL,
	quality_jitter_ms double precision NOT NULL,
	quality_remote_lost bigint NOT NULL,
	quality_remote_jitter_ms double precision NOT NULL,
	quality_round_trip_ms double precision NOT NULL,
	quality_ignored bigint NOT NULL,
	quality_impairment text NOT NULL,
	PRIMARY KEY (call_id, position)
);
`
