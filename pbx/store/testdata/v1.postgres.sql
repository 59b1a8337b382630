CREATE TABLE public.devices (
    id text NOT NULL,
    extension text NOT NULL,
    name text NOT NULL,
    username text NOT NULL,
    ha1_md5 text NOT NULL,
    ha1_sha256 text NOT NULL,
    disabled boolean NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL
);

CREATE TABLE public.extensions (
    number text NOT NULL,
    name text NOT NULL,
    user_id text,
    language text NOT NULL,
    disabled boolean NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL
);

CREATE TABLE public.schema_migrations (
    id character varying(100) NOT NULL
);

CREATE TABLE public.settings (
    id integer NOT NULL,
    company text NOT NULL,
    realm text NOT NULL,
    language text NOT NULL,
    demo boolean NOT NULL,
    CONSTRAINT settings_id_check CHECK ((id = 1))
);

CREATE TABLE public.users (
    id text NOT NULL,
    first_name text NOT NULL,
    last_name text NOT NULL,
    email text,
    mobile text NOT NULL,
    role text NOT NULL,
    language text NOT NULL,
    password_hash text NOT NULL,
    disabled boolean NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL
);

INSERT INTO public.devices VALUES ('d1', '101', 'desk phone', '101', '0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a', '1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b', false, '2026-01-02 03:04:05.678901+00', '2026-01-02 03:04:05.678901+00');

INSERT INTO public.extensions VALUES ('101', '', 'u1', 'cs', false, '2026-01-02 03:04:05.678901+00', '2026-01-02 03:04:05.678901+00');
INSERT INTO public.extensions VALUES ('201', 'Flur', NULL, '', true, '2026-01-02 03:04:05.678901+00', '2026-01-02 03:04:05.678901+00');

INSERT INTO public.schema_migrations VALUES ('0001_people');

INSERT INTO public.settings VALUES (1, 'Bäckerei Žák', 'baeckerei', 'de', false);

INSERT INTO public.users VALUES ('u1', 'Jiří', 'Žák', 'jiri@example.invalid', '+420602123456', 'administrator', 'cs', '$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA', false, '2026-01-02 03:04:05.678901+00', '2026-01-02 04:04:05.678901+00');

ALTER TABLE ONLY public.devices
    ADD CONSTRAINT devices_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.extensions
    ADD CONSTRAINT extensions_pkey PRIMARY KEY (number);

ALTER TABLE ONLY public.schema_migrations
    ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.settings
    ADD CONSTRAINT settings_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (id);

CREATE INDEX devices_extension ON public.devices USING btree (extension);

CREATE UNIQUE INDEX devices_username ON public.devices USING btree (username);

CREATE UNIQUE INDEX extensions_user ON public.extensions USING btree (user_id);

CREATE UNIQUE INDEX users_email ON public.users USING btree (email);

ALTER TABLE ONLY public.devices
    ADD CONSTRAINT devices_extension_fkey FOREIGN KEY (extension) REFERENCES public.extensions(number);

ALTER TABLE ONLY public.extensions
    ADD CONSTRAINT extensions_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id);

