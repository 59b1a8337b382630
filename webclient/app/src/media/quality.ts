import type { Sound } from "@klapka/kit/api";

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

/** Grades by mean opinion scores (ITU-T G.107 annex B): 4 satisfies, 3.6 some not. */
export function gradeOfMos(mos: number): Grade {
  if (mos < 3.1) return "poor";
  return mos < 3.9 ? "fair" : "good";
}

/** What is wrong with the sound of a call, and what its owner can do about it. */
export type Advice = "none" | "loss" | "jitter" | "delay" | "microphone";

/** The advice for both directions: what we hear, and how we are heard. */
export function advise(sound: Sound): Advice {
  const { from, to } = sound;
  if (sound.round_trip_ms > 300) return "delay";
  if (Math.max(from.jitter_ms, to.jitter_ms) > 30) return "jitter";
  if (from.loss > 0.01 && to.loss <= 0.01) return "microphone";
  return Math.max(from.loss, to.loss) > 0.01 ? "loss" : "none";
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
