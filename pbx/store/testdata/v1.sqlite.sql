CREATE TABLE `schema_migrations` (`id` text,PRIMARY KEY (`id`));
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
	created_at datetime NOT NULL,
	updated_at datetime NOT NULL
);
CREATE UNIQUE INDEX users_email ON users (email);
CREATE TABLE extensions (
	number text PRIMARY KEY,
	name text NOT NULL,
	user_id text REFERENCES users (id),
	language text NOT NULL,
	disabled boolean NOT NULL,
	created_at datetime NOT NULL,
	updated_at datetime NOT NULL
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
	created_at datetime NOT NULL,
	updated_at datetime NOT NULL
);
CREATE UNIQUE INDEX devices_username ON devices (username);
CREATE INDEX devices_extension ON devices (extension);
INSERT INTO schema_migrations (id) VALUES ('0001_people');
INSERT INTO settings (id, company, realm, language, demo) VALUES (1, 'Bäckerei Žák', 'baeckerei', 'de', false);
INSERT INTO users VALUES ('u1', 'Jiří', 'Žák', 'jiri@example.invalid', '+420602123456', 'administrator', 'cs', '$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA', false, '2026-01-02 03:04:05.678901+00:00', '2026-01-02 04:04:05.678901+00:00');
INSERT INTO extensions VALUES ('101', '', 'u1', 'cs', false, '2026-01-02 03:04:05.678901+00:00', '2026-01-02 03:04:05.678901+00:00');
INSERT INTO extensions VALUES ('201', 'Flur', NULL, '', true, '2026-01-02 03:04:05.678901+00:00', '2026-01-02 03:04:05.678901+00:00');
INSERT INTO devices VALUES ('d1', '101', 'desk phone', '101', '0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a', '1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b', false, '2026-01-02 03:04:05.678901+00:00', '2026-01-02 03:04:05.678901+00:00');
