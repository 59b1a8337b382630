import type { components, operations, paths as Described } from "./schema.gen.ts";

/** Every operation the pages use. */
export type paths = Described;

type Schemas = components["schemas"];

export type Me = Schemas["Me"];
export type User = Schemas["Profile"];
export type Session = Schemas["SessionItem"];
export type Person = Schemas["Person"];
export type Peer = Schemas["Peer"];
export type OwnCall = Schemas["OwnCall"];
export type HistoryItem = Schemas["HistoryItem"];
/** How good the sound of one party is, in both directions. */
export type Sound = Schemas["Sound"];
export type Cause = Schemas["EndCause"];
/** RFC 9457 problem details; each fault names its field as "body.field". */
export type Problem = Partial<Schemas["ErrorModel"]>;

export type Language = User["language"];
export type Role = User["role"];
export type LineState = Person["state"];
export type Direction = OwnCall["direction"];
export type CallState = OwnCall["state"];
export type CauseCode = Cause["code"];

export type AdminPerson = Schemas["AdminPerson"];
export type PersonInput = Schemas["PersonInput"];
export type Extension = Schemas["Extension"];
export type ExtensionInput = Schemas["ExtensionInput"];
export type Device = Schemas["Device"];
export type DeviceSecret = Schemas["DeviceSecret"];
export type Registration = Schemas["Registration"];
export type LiveCall = Schemas["LiveCall"];
export type LegRecord = Schemas["LegRecord"];
export type CallRecord = Schemas["CallRecord"];
export type RecordQuery = NonNullable<operations["listRecords"]["parameters"]["query"]>;
export type Ban = Schemas["Ban"];
export type TraceEntry = Schemas["TraceEntry"];
export type Trace = Schemas["Trace"];
export type TraceHead = Schemas["TraceHead"];
export type Settings = Schemas["Settings"];
