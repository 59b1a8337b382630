import type { Cause, Me, OwnCall, Person } from "../api/types.ts";

/** What the page says on the socket. */
export type Up =
  | {
      t: "hello";
      client_id: string;
      tab_id: string;
      resume: { epoch: number; seq: number } | null;
    }
  | { t: "media.offer"; ms: string; sdp: string; why: "new" | "ice" }
  | { t: "pong" };

/**
 * What the exchange says. Frames with seq are numbered without a gap within an
 * epoch, as far as this user may see them; the others are of the moment.
 */
export type Down =
  | {
      t: "snapshot";
      epoch: number;
      seq: number;
      me: Pick<Me, "user" | "extension">;
      people: Person[];
      calls: OwnCall[];
    }
  | { t: "person.changed"; seq: number; person: Person }
  | { t: "person.removed"; seq: number; number: string }
  | { t: "call.new"; seq: number; call: OwnCall }
  | { t: "call.changed"; seq: number; call: OwnCall }
  | { t: "call.ended"; seq: number; leg: string; cause: Cause }
  | { t: "registration.changed"; seq: number; extension: string }
  | { t: "media.answer"; ms: string; sdp: string }
  | { t: "ping" }
  | { t: "bye"; reason: "signed_out" | "restart" | "slow" | "replaced" };

/** The frames that change the numbered state. */
export type Numbered = Extract<Down, { seq: number }>;
