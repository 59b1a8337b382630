import { expect, test } from "vitest";
import { loudness } from "./level.ts";
import { advise, between, grade, totals, gradeOfMos } from "./quality.ts";

test.each([
  [{ roundTripMs: 40, loss: 0, jitterMs: 5 }, "good"],
  [{ roundTripMs: null, loss: 0, jitterMs: 0 }, "good"],
  [{ roundTripMs: 40, loss: 0.02, jitterMs: 5 }, "fair"],
  [{ roundTripMs: 350, loss: 0, jitterMs: 5 }, "fair"],
  [{ roundTripMs: 40, loss: 0, jitterMs: 45 }, "fair"],
  [{ roundTripMs: 40, loss: 0.2, jitterMs: 5 }, "poor"],
  [{ roundTripMs: 700, loss: 0, jitterMs: 5 }, "poor"],
] as const)("%o is %s", (measurement, verdict) => {
  expect(grade(measurement)).toBe(verdict);
});

test("loss is that of the last second, not of the whole call", () => {
  const before = { received: 10_000, lost: 900, jitterMs: 0, roundTripMs: null };
  const after = { received: 10_045, lost: 905, jitterMs: 3, roundTripMs: 20 };
  expect(between(before, after)).toEqual({ loss: 0.1, jitterMs: 3, roundTripMs: 20 });
  expect(between(after, after).loss).toBe(0);
});

test("a late packet does not make a negative loss", () => {
  const before = { received: 100, lost: 5, jitterMs: 0, roundTripMs: null };
  expect(between(before, { ...before, received: 150, lost: 4 }).loss).toBe(0);
});

test("the figures come out of the browser's report in milliseconds", () => {
  const report = new Map<string, RTCStats>([
    [
      "a",
      {
        id: "a",
        timestamp: 0,
        type: "inbound-rtp",
        packetsReceived: 50,
        packetsLost: 1,
        jitter: 0.004,
      } as RTCStats,
    ],
    ["b", { id: "b", timestamp: 0, type: "remote-inbound-rtp", roundTripTime: 0.03 } as RTCStats],
    ["c", { id: "c", timestamp: 0, type: "codec" }],
  ]);
  expect(totals(report)).toEqual({ received: 50, lost: 1, jitterMs: 4, roundTripMs: 30 });
});

test("the meter follows the ear: silence, a whisper, full scale", () => {
  const sine = (peak: number) =>
    Float32Array.from({ length: 1024 }, (_, i) => peak * Math.sin((i * Math.PI) / 16));
  expect(loudness(sine(0))).toBe(0);
  expect(loudness(sine(0.01))).toBeCloseTo(0.28, 1);
  expect(loudness(sine(1))).toBeCloseTo(0.95, 1);
});

test("scores are graded as listeners would", () => {
  expect([4.4, 3.9, 3.8, 3.1, 3, 1].map(gradeOfMos)).toEqual([
    "good",
    "good",
    "fair",
    "fair",
    "poor",
    "poor",
  ]);
});

test("the advice fits what is wrong", () => {
  const way = { loss: 0, jitter_ms: 2, mos: 4.4 };
  const clean = { codec: "PCMA", round_trip_ms: 20, from: way, to: way };
  const bad = { ...way, loss: 0.05 };
  expect(advise(clean)).toBe("none");
  expect(advise({ ...clean, from: bad })).toBe("microphone");
  expect(advise({ ...clean, to: bad })).toBe("loss");
  expect(advise({ ...clean, from: bad, to: bad })).toBe("loss");
  expect(advise({ ...clean, to: { ...way, jitter_ms: 50 } })).toBe("jitter");
  expect(advise({ ...clean, round_trip_ms: 700 })).toBe("delay");
});
