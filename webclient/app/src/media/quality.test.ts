import { expect, test } from "vitest";
import { loudness } from "./level.ts";
import { between, grade, totals } from "./quality.ts";

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
