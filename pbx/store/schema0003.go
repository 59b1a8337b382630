package store

// schema0003: signing in with a browser, and the first administrator's set-up
// link.
const schema0003 = `
CREATE TABLE web_sessions (
	hash text PRIMARY KEY,
	user_id text NOT NULL REFERENCES users (id) ON DELETE CASCADE,
	created_at {time} NOT NULL,
	last_seen_at {time} NOT NULL,
	expires_at {time} NOT NULL,
	ip text NOT NULL,
	user_agent text NOT NULL
);
CREATE INDEX web_sessions_user ON web_sessions (user_id);
CREATE INDEX web_sessions_expires ON web_sessions (expires_at);
CREATE TABLE setup_tokens (
	id integer PRIMARY KEY CHECK (id = 1),
	hash text NOT NULL,
	expires_at {time} NOT NULL
);
`
