import type { OwnCall } from "@klapka/kit/api";
import type { Live } from "@klapka/kit/live";

const rank = { ringing: 0, talking: 1, dialling: 2, held: 3 } as const;

/** Calls as the dock shows them: what wants an answer first, the held last. */
export function orderCalls(calls: OwnCall[]): OwnCall[] {
  return calls.toSorted(
    (a, b) => rank[a.state] - rank[b.state] || a.started_at.localeCompare(b.started_at),
  );
}

/**
 * The calls as the dock shows them. Somebody with several phones has a leg for
 * each while it rings; shown is the one that can be answered here, else any.
 */
export function dockCalls({ calls, rings }: Pick<Live, "calls" | "rings">): OwnCall[] {
  const own = orderCalls(Object.values(calls));
  return own.filter((call) => !isWaiting(call) || call === bestLeg(own, call.call, rings));
}

function bestLeg(own: OwnCall[], id: string, rings: Live["rings"]): OwnCall | undefined {
  const legs = own.filter((c) => c.call === id && isWaiting(c));
  return (
    legs.find((c) => c.leg in rings) ?? legs.find((c) => c.device.kind === "browser") ?? legs[0]
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
