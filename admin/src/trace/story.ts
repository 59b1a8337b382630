import type { TraceEntry } from "@klapka/kit/api";

/** Who takes part, from the caller's side over us to the called, as they turn up. */
export function parties(entries: TraceEntry[]): string[] {
  const others = new Set<string>();
  for (const { kind, from, to } of entries) {
    if (kind === "message") for (const p of [from, to]) if (p !== us) others.add(p);
  }
  const [first, ...rest] = others;
  return first === undefined ? [] : [first, us, ...rest];
}

/** The name the exchange has in its own traces. */
export const us = "klapka";

/** Seconds since the call began, to the millisecond: +0.123. */
export function offset(at: string, since: string): string {
  return `+${((Date.parse(at) - Date.parse(since)) / 1000).toFixed(3)}`;
}
