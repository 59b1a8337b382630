import type { OwnCall } from "@klapka/kit/api";
import { expect, test } from "vitest";
import { currentCall, dockCalls, orderCalls } from "./order.ts";

function call(
  leg: string,
  state: OwnCall["state"],
  direction: OwnCall["direction"] = "incoming",
): OwnCall {
  return {
    call: leg,
    leg,
    state,
    direction,
    peer: { number: "102", name: "" },
    started_at: leg,
    answered_at: null,
    on_hold: false,
    device: { kind: "browser", name: "", tab_id: null },
  };
}

test("what rings is on top, then what is spoken, the held at the bottom", () => {
  const calls = [
    call("1", "held"),
    call("2", "dialling"),
    call("3", "talking"),
    call("4", "ringing"),
  ];
  expect(orderCalls(calls).map((c) => c.leg)).toEqual(["4", "3", "2", "1"]);
});

test("keys act on the conversation, never on the call that waits", () => {
  expect(currentCall([call("1", "ringing"), call("2", "held"), call("3", "talking")])?.leg).toBe(
    "3",
  );
  expect(currentCall([call("1", "ringing"), call("2", "held")])?.leg).toBe("2");
  expect(currentCall([call("1", "ringing")])).toBeUndefined();
});

test("an outgoing call that rings over there can be hung up by key", () => {
  expect(currentCall([call("1", "ringing", "outgoing")])?.leg).toBe("1");
});

test("of a call that rings on several phones the one to answer here is shown", () => {
  const legs = ["phone", "there", "here"].map((leg) => ({ ...call(leg, "ringing"), call: "c1" }));
  const calls = Object.fromEntries(legs.map((c) => [c.leg, c]));
  for (const c of legs) c.device.kind = c.leg === "phone" ? "phone" : "browser";
  expect(dockCalls({ calls, rings: { there: true } }).map((c) => c.leg)).toEqual(["there"]);
  expect(dockCalls({ calls, rings: {} }).map((c) => c.device.kind)).toEqual(["browser"]);
});
