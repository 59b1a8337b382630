/**
 * The portal's part of the API, in the shape openapi-typescript emits, until the
 * exchange describes it itself. Times are RFC 3339 in UTC, lists newest or lowest
 * first.
 */
import type {
  CallState,
  Cause,
  CauseCode,
  Direction,
  Language,
  Peer,
  Problem,
  Role,
} from "./types.ts";

/** What an operation takes as its body. */
type Takes<Body> = [Body] extends [never]
  ? { requestBody?: never }
  : { requestBody: { content: { "application/json": Body } } };

/** What an operation answers. */
interface Answers<Ok> {
  responses: {
    200: { content: { "application/json": Ok } };
    default: { content: { "application/problem+json": Problem } };
  };
}

/** An operation on a fixed address. */
type Plain<Ok, Body = never, Query = never> = Answers<Ok> &
  Takes<Body> & {
    parameters: { header?: never; cookie?: never; path?: never } & ([Query] extends [never]
      ? { query?: never }
      : { query?: Query });
  };

/** An operation on the thing its address names. */
type At<Path, Ok, Body = never> = Answers<Ok> &
  Takes<Body> & { parameters: { query?: never; header?: never; cookie?: never; path: Path } };

/** A page of a list; next is handed back as cursor, null at the end. */
export interface Page<T> {
  items: T[];
  next: string | null;
}

export interface AdminPerson {
  id: string;
  first_name: string;
  last_name: string;
  email: string;
  mobile: string;
  role: Role;
  language: Language;
  disabled: boolean;
  extension: string | null;
}

export type PersonInput = Omit<AdminPerson, "id"> & { password?: string };

export interface Extension {
  number: string;
  name: string;
  user_id: string | null;
  user_name: string;
  language: Language;
  disabled: boolean;
  devices: number;
}

export type ExtensionInput = Pick<
  Extension,
  "number" | "name" | "user_id" | "language" | "disabled"
>;

export interface Device {
  id: string;
  extension: string;
  name: string;
  username: string;
  disabled: boolean;
  registered: boolean;
}

export type DeviceInput = Pick<Device, "extension" | "name" | "disabled">;

/** A device's secret is in the answer to its making or renewal, and never again. */
export interface DeviceSecret {
  device: Device;
  secret: string;
  /** What the phone has to be told: the exchange's host and domain. */
  server: string;
}

export interface Registration {
  device: string;
  username: string;
  extension: string;
  contact: string;
  user_agent: string;
  transport: string;
  remote: string;
  reachable: boolean;
  registered_at: string;
  expires_at: string;
}

export interface LiveCall {
  call: string;
  from: Peer;
  to: Peer;
  state: CallState;
  started_at: string;
  answered_at: string | null;
}

export interface LegRecord {
  leg: string;
  direction: Direction;
  party: Peer;
  device: string;
  user_agent: string;
  remote: string;
  started_at: string;
  answered_at: string | null;
  ended_at: string | null;
  cause: Cause | null;
  codec: string;
  packets_received: number;
  packets_lost: number;
  jitter_ms: number;
}

export interface CallRecord {
  call: string;
  from: Peer;
  dialled: string;
  answered_by: Peer | null;
  started_at: string;
  rang_at: string | null;
  answered_at: string | null;
  ended_at: string | null;
  cause: Cause | null;
  legs: LegRecord[];
}

export interface RecordQuery {
  cursor?: string;
  extension?: string;
  search?: string;
  since?: string;
  until?: string;
  cause?: CauseCode;
}

export interface Ban {
  address: string;
  reason: string;
  since: string;
  until: string;
}

/** One line of a call's story: a message that passed, or a decision taken. */
export interface TraceEntry {
  at: string;
  kind: "message" | "decision";
  leg: string;
  /** For a message: our side is always "klapka". */
  from: string;
  to: string;
  title: string;
  /** The whole message, or the decision's particulars. */
  text: string;
  tone: "info" | "good" | "bad";
}

export interface Trace {
  call: string;
  from: Peer;
  dialled: string;
  started_at: string;
  refused: string | null;
  cause: Cause | null;
  entries: TraceEntry[];
}

export type TraceHead = Omit<Trace, "entries">;

export interface Settings {
  company: string;
  language: Language;
  realm: string;
  demo: boolean;
}

type Id = { id: string };

export interface AdminPaths {
  "/api/admin/people": { get: Plain<AdminPerson[]>; post: Plain<AdminPerson, PersonInput> };
  "/api/admin/people/{id}": {
    patch: At<Id, AdminPerson, Partial<PersonInput>>;
    delete: At<Id, unknown>;
  };
  "/api/admin/extensions": { get: Plain<Extension[]>; post: Plain<Extension, ExtensionInput> };
  "/api/admin/extensions/{number}": {
    patch: At<{ number: string }, Extension, Partial<ExtensionInput>>;
    delete: At<{ number: string }, unknown>;
  };
  "/api/admin/devices": { get: Plain<Device[]>; post: Plain<DeviceSecret, DeviceInput> };
  "/api/admin/devices/{id}": {
    patch: At<Id, Device, Partial<DeviceInput>>;
    delete: At<Id, unknown>;
  };
  "/api/admin/devices/{id}/secret": { post: At<Id, DeviceSecret> };
  "/api/admin/registrations": { get: Plain<Registration[]> };
  "/api/admin/calls": { get: Plain<LiveCall[]> };
  "/api/admin/calls/{call}": { delete: At<{ call: string }, unknown> };
  "/api/admin/records": { get: Plain<Page<CallRecord>, never, RecordQuery> };
  "/api/admin/bans": { get: Plain<Ban[]> };
  "/api/admin/bans/{address}": { delete: At<{ address: string }, unknown> };
  "/api/admin/trace": { get: Plain<TraceHead[], never, { search?: string }> };
  "/api/admin/trace/{call}": { get: At<{ call: string }, Trace> };
  "/api/admin/settings": {
    get: Plain<Settings>;
    patch: Plain<Settings, Partial<Pick<Settings, "company" | "language">>>;
  };
}
