import { expect, test } from "vitest";
import type { OwnCall, Person } from "../api/types.ts";
import type { Numbered } from "./frames.ts";
import { createLiveStore, reduce, type Live } from "./store.ts";

const jana: Person = { number: "101", name: "Jana", user_id: "u1", state: "free", since: "" };
const petr: Person = { ...jana, number: "102", name: "Petr" };
const call: OwnCall = {
  call: "c1",
  leg: "l1",
  direction: "outgoing",
  state: "talking",
  peer: { number: "102", name: "Petr" },
  started_at: "",
  answered_at: null,
  on_hold: false,
  device: { kind: "phone", name: "", tab_id: null },
};
const snapshot: Numbered = {
  t: "snapshot",
  epoch: 3,
  seq: 7,
  me: {
    user: {
      id: "u1",
      name: "",
      first_name: "",
      last_name: "",
      email: "",
      role: "user",
      language: "en",
    },
    extension: null,
  },
  people: [jana, petr],
  calls: [call],
};

function after(...frames: Numbered[]): Live {
  return frames.reduce(reduce, createLiveStore().getState());
}

test("a snapshot replaces whatever was there", () => {
  const state = after(
    snapshot,
    { t: "call.ended", seq: 8, leg: "l1", cause: { code: "normal" } },
    { ...snapshot, epoch: 4, seq: 1, people: [petr] },
  );
  expect(state).toMatchObject({ epoch: 4, seq: 1 });
  expect(Object.keys(state.people)).toEqual(["102"]);
  expect(Object.keys(state.calls)).toEqual(["l1"]);
});

test("a frame seen before changes nothing", () => {
  const state = after(snapshot, {
    t: "person.changed",
    seq: 8,
    person: { ...petr, state: "ringing" },
  });
  const again = reduce(state, { t: "person.changed", seq: 8, person: petr });
  expect(again).toBe(state);
});

test("only what changed is a new object, so that other rows stay as drawn", () => {
  const before = after(snapshot);
  const state = reduce(before, {
    t: "person.changed",
    seq: 8,
    person: { ...petr, state: "talking" },
  });
  expect(state.people["102"]?.state).toBe("talking");
  expect(state.people["101"]).toBe(before.people["101"]);
  expect(state.calls).toBe(before.calls);
});

test("an ended call leaves its reason behind", () => {
  const state = after(snapshot, { t: "call.ended", seq: 8, leg: "l1", cause: { code: "busy" } });
  expect(state.calls).toEqual({});
  expect(state.lastEnded).toEqual({ call, cause: { code: "busy" } });
});

test("a person who leaves is gone, and the numbering goes on", () => {
  const state = after(
    snapshot,
    { t: "person.removed", seq: 8, number: "102" },
    { t: "registration.changed", seq: 9, extension: "101" },
  );
  expect(Object.keys(state.people)).toEqual(["101"]);
  expect(state.seq).toBe(9);
});
