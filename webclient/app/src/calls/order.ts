import type { OwnCall } from "@klapka/kit/api";

const rank = { ringing: 0, talking: 1, dialling: 2, held: 3 } as const;

/** Calls as the dock shows them: what wants an answer first, the held last. */
export function orderCalls(calls: OwnCall[]): OwnCall[] {
  return calls.toSorted(
    (a, b) => rank[a.state] - rank[b.state] || a.started_at.localeCompare(b.started_at),
  );
}

/** The call keys act upon: the one with sound, else the first not waiting. */
export function currentCall(calls: OwnCall[]): OwnCall | undefined {
  return orderCalls(calls).find((c) => !isWaiting(c));
}

/** Whether the call rings here and wants to be answered. */
export function isWaiting(call: OwnCall): boolean {
  return call.direction === "incoming" && call.state === "ringing";
}
