/** What the last second of sound was like, measured at this end. */
export interface Measurement {
  /** Round trip in milliseconds; null while the far end has not reported. */
  roundTripMs: number | null;
  /** Share of packets lost on the way here, 0 to 1. */
  loss: number;
  /** Interarrival jitter in milliseconds (RFC 3550 §6.4.1). */
  jitterMs: number;
}

/** A verdict people understand, best first. */
export type Grade = "good" | "fair" | "poor";

/**
 * Grades by the figures at which listeners begin to notice (fair) and to
 * complain (poor): ITU-T G.114 for delay, G.113 for loss of G.711 with
 * concealment.
 */
export function grade(m: Measurement): Grade {
  const roundTrip = m.roundTripMs ?? 0;
  if (m.loss > 0.05 || roundTrip > 600 || m.jitterMs > 60) return "poor";
  if (m.loss > 0.01 || roundTrip > 300 || m.jitterMs > 30) return "fair";
  return "good";
}

/** Running totals of one report, from which two in a row give a measurement. */
export interface Totals {
  received: number;
  lost: number;
  jitterMs: number;
  roundTripMs: number | null;
}

/** Picks the totals out of a WebRTC statistics report. */
export function totals(report: Iterable<[string, RTCStats]>): Totals {
  const sum: Totals = { received: 0, lost: 0, jitterMs: 0, roundTripMs: null };
  for (const [, stat] of report) {
    if (stat.type === "inbound-rtp") {
      const inbound = stat as RTCInboundRtpStreamStats;
      sum.received = inbound.packetsReceived ?? 0;
      sum.lost = inbound.packetsLost ?? 0;
      sum.jitterMs = (inbound.jitter ?? 0) * 1000;
    }
    if (stat.type === "remote-inbound-rtp") {
      const trip = (stat as RTCStats & { roundTripTime?: number }).roundTripTime;
      if (trip !== undefined) sum.roundTripMs = trip * 1000;
    }
  }
  return sum;
}

/** What happened between two reports; lost can shrink when a late packet arrives. */
export function between(before: Totals, after: Totals): Measurement {
  const lost = Math.max(0, after.lost - before.lost);
  const expected = lost + Math.max(0, after.received - before.received);
  return {
    loss: expected === 0 ? 0 : lost / expected,
    jitterMs: after.jitterMs,
    roundTripMs: after.roundTripMs,
  };
}
