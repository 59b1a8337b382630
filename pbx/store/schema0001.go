package store

// schema0001: settings, people, extensions, devices.
const schema0001 = `
CREATE TABLE settings (
	id integer PRIMARY KEY CHECK (id = 1),
	company text NOT NULL,
	realm text NOT NULL,
	language text NOT NULL,
	demo boolean NOT NULL
);
CREATE TABLE users (
	id text PRIMARY KEY,
	first_name text NOT NULL,
	last_name text NOT NULL,
	email text,
	mobile text NOT NULL,
	role text NOT NULL,
	language text NOT NULL,
	password_hash text NOT NULL,
	disabled boolean NOT NULL,
	created_at {time} NOT NULL,
	updated_at {time} NOT NULL
);
CREATE UNIQUE INDEX users_email ON users (email);
CREATE TABLE extensions (
	number text PRIMARY KEY,
	name text NOT NULL,
	user_id text REFERENCES users (id),
	language text NOT NULL,
	disabled boolean NOT NULL,
	created_at {time} NOT NULL,
	updated_at {time} NOT NULL
);
CREATE UNIQUE INDEX extensions_user ON extensions (user_id);
CREATE TABLE devices (
	id text PRIMARY KEY,
	extension text NOT NULL REFERENCES extensions (number),
	name text NOT NULL,
	username text NOT NULL,
	ha1_md5 text NOT NULL,
	ha1_sha256 text NOT NULL,
	disabled boolean NOT NULL,
	created_at {time} NOT NULL,
	updated_at {time} NOT NULL
);
CREATE UNIQUE INDEX devices_username ON devices (username);
CREATE INDEX devices_extension ON devices (extension);
`
