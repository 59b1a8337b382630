import type { components } from "../api/schema.gen.ts";

/** What the page says on the socket. */
export type Up = components["schemas"]["ClientFrame"];

/**
 * What the exchange says. Frames with seq are numbered without a gap within an
 * epoch, as far as this user may see them; the others are of the moment.
 */
export type Down = components["schemas"]["ServerEvent"];

/** The frames that change the numbered state. */
export type Numbered = Extract<Down, { seq: number }>;

/** The frames about this user's legs in browsers, and which of them ring here. */
export type Local = Extract<Down, { t: "ring" | "ring.stop" | "leg.changed" | "call.quality" }>;
