import type { TraceEntry } from "@klapka/kit/api";
import { expect, test } from "vitest";
import { sipAccount } from "../devices/SecretDialog.tsx";
import { toQuery } from "../records/useRecords.ts";
import { signInAddress } from "../router.tsx";
import { offset, parties } from "./story.ts";
import { sentenceOf } from "./words.ts";

function message(from: string, to: string): TraceEntry {
  return {
    at: "2026-05-12T08:00:00.250Z",
    kind: "message",
    leg: "l1",
    from,
    to,
    title: "INVITE",
    text: "INVITE\r\nVia: x",
    tone: "info",
    params: {},
  };
}

const decision: TraceEntry = {
  ...message("", ""),
  kind: "decision",
  title: "102 is busy",
  text: "",
};

test("the caller stands left of us, everybody called right of us", () => {
  const entries = [
    message("101", "klapka"),
    decision,
    message("klapka", "102"),
    message("103", "klapka"),
  ];
  expect(parties(entries)).toEqual(["101", "klapka", "102", "103"]);
  expect(parties([decision])).toEqual([]);
});

test("times count from the start of the call", () => {
  expect(offset("2026-05-12T08:00:00.250Z", "2026-05-12T08:00:00Z")).toBe("+0.250");
  expect(offset("2026-05-12T08:01:00Z", "2026-05-12T08:00:00Z")).toBe("+60.000");
});

test.each([
  ["device", { state: "rung" }, "deviceRung"],
  ["device", { state: "not_registered" }, "deviceNotRegistered"],
  ["device", { state: "not_registered", at: "2026-05-12T08:00:00Z" }, "deviceExpired"],
  ["device", { state: "something new", error: "limit" }, "deviceNotRung"],
  ["leg.held", { held: "false" }, "legResumed"],
  ["leg.started", { direction: "incoming" }, "legIncoming"],
  ["a code of tomorrow", {}, null],
])("the decision %s %j is told as %s", (title, params, sentence) => {
  expect(sentenceOf({ title, params })).toBe(sentence);
});

test("a day's filter includes that day, over a change of clocks too", () => {
  const { since, until } = toQuery({ since: "2026-03-29", until: "2026-03-29" });
  const hours = (Date.parse(until ?? "") - Date.parse(since ?? "")) / 3_600_000;
  const next = new Date(2026, 2, 30).getTime() - new Date(2026, 2, 29).getTime();
  expect(hours).toBe(next / 3_600_000);
  expect(toQuery({})).toEqual({});
});

test("a secret with special characters survives the code", () => {
  const device = {
    id: "d",
    extension: "101",
    name: "",
    username: "101",
    disabled: false,
    encryption: "off" as const,
    registered: false,
  };
  expect(sipAccount({ device, secret: "a@b:c", server: "pbx.test" })).toBe(
    "sip:101:a%40b%3Ac@pbx.test",
  );
});

test("the way to sign in leads back", () => {
  expect(signInAddress({ pathname: "/admin/records", search: "?cause=busy&search=x" })).toBe(
    "/sign-in?next=%2Fadmin%2Frecords%3Fcause%3Dbusy%26search%3Dx",
  );
});
