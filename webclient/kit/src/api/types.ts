import type { AdminPaths } from "./admin.ts";
import type { components, paths as Described } from "./schema.gen.ts";

/** Every operation the pages use. */
export interface paths extends Described, AdminPaths {}

type Schemas = components["schemas"];

export type * from "./admin.ts";
export type Me = Schemas["Me"];
export type User = Schemas["Profile"];
export type Session = Schemas["SessionItem"];
export type Person = Schemas["Person"];
export type Peer = Schemas["Peer"];
export type OwnCall = Schemas["OwnCall"];
export type HistoryItem = Schemas["HistoryItem"];
export type Cause = Schemas["EndCause"];
/** RFC 9457 problem details; each fault names its field as "body.field". */
export type Problem = Partial<Schemas["ErrorModel"]>;

export type Language = User["language"];
export type Role = User["role"];
export type LineState = Person["state"];
export type Direction = OwnCall["direction"];
export type CallState = OwnCall["state"];
export type CauseCode = Cause["code"];
