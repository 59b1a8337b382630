import { createStore, type StoreApi } from "zustand/vanilla";
import type { Cause, OwnCall, Person, Sound } from "../api/types.ts";
import type { Local, Numbered } from "./frames.ts";

/** How the page stands with the exchange. */
export type Connection = "connecting" | "online" | "offline" | "signed_out";

/** What was left of a call when it ended, for a moment's notice. */
export interface EndedCall {
  call: OwnCall;
  cause: Cause;
}

/** Everything a page knows that changes by itself. */
export interface Live {
  connection: Connection;
  epoch: number;
  seq: number;
  people: Readonly<Record<string, Person>>;
  calls: Readonly<Record<string, OwnCall>>;
  /** Legs that ring at this browser, of all that ring for the user. */
  rings: Readonly<Record<string, true>>;
  /** Legs whose page is gone and that another may continue for a while. */
  detached: Readonly<Record<string, true>>;
  lastEnded: EndedCall | null;
  /** How each call of ours sounded of late, by leg. */
  sounds: Readonly<Record<string, Sound>>;
}

/** The one store the socket feeds and components read. */
export type LiveStore = StoreApi<Live>;

/** Makes the store of one page, empty and connecting. */
export function createLiveStore(): LiveStore {
  return createStore<Live>(() => ({
    connection: "connecting",
    epoch: 0,
    seq: 0,
    people: {},
    calls: {},
    rings: {},
    detached: {},
    lastEnded: null,
    sounds: {},
  }));
}

/**
 * The state after a numbered frame. A frame seen already changes nothing: a
 * replay after a reconnect may overlap with what came before.
 */
export function reduce(state: Live, frame: Numbered): Live {
  if (frame.t === "snapshot") {
    return {
      ...state,
      epoch: frame.epoch,
      seq: frame.seq,
      people: byKey(frame.people, (p) => p.number),
      calls: byKey(frame.calls, (c) => c.leg),
    };
  }
  if (frame.seq <= state.seq) return state;
  return { ...state, ...change(state, frame), seq: frame.seq };
}

/** The state after a frame of the moment. */
export function reduceLocal(state: Live, frame: Local): Live {
  const { leg } = frame;
  switch (frame.t) {
    case "call.quality":
      return { ...state, sounds: { ...state.sounds, [leg]: frame.sound } };
    case "ring":
      return { ...state, rings: { ...state.rings, [leg]: true } };
    case "ring.stop":
      return { ...state, rings: without(state.rings, leg) };
    case "leg.changed": {
      const gone = frame.detached && frame.state !== "ended";
      const detached = without(state.detached, leg);
      return { ...state, detached: gone ? { ...detached, [leg]: true } : detached };
    }
  }
}

function change(state: Live, frame: Exclude<Numbered, { t: "snapshot" }>): Partial<Live> {
  switch (frame.t) {
    case "person.changed":
      return { people: { ...state.people, [frame.person.number]: frame.person } };
    case "person.removed":
      return { people: without(state.people, frame.number) };
    case "call.new":
    case "call.changed":
      return { calls: { ...state.calls, [frame.call.leg]: frame.call } };
    case "call.ended": {
      const call = state.calls[frame.leg];
      return {
        calls: without(state.calls, frame.leg),
        sounds: without(state.sounds, frame.leg),
        lastEnded: call ? { call, cause: frame.cause } : state.lastEnded,
      };
    }
    case "registration.changed":
      return {};
  }
}

function byKey<T>(items: T[], key: (item: T) => string): Record<string, T> {
  return Object.fromEntries(items.map((item) => [key(item), item]));
}

function without<T>(items: Readonly<Record<string, T>>, key: string): Record<string, T> {
  return Object.fromEntries(Object.entries(items).filter(([k]) => k !== key));
}
