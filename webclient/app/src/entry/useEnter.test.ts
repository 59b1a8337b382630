import { expect, test } from "vitest";
import { socketAddress } from "../services.ts";
import { ownAddress } from "./useEnter.ts";

// A link to the sign-in page must not lead elsewhere after the password.
test.each([
  [undefined, "/"],
  ["/history?direction=missed", "/history?direction=missed"],
  ["/admin/people", "/admin/people"],
  ["https://evil.test/", "/"],
  ["//evil.test/x", "/"],
  ["/\\evil.test", "/"],
  ["javascript:alert(1)", "/"],
])("%s leads to %s", (next, address) => {
  expect(ownAddress(next)).toBe(address);
});

test("the socket is as safe as the page", () => {
  expect(socketAddress({ protocol: "https:", host: "pbx.test" })).toBe("wss://pbx.test/api/socket");
  expect(socketAddress({ protocol: "http:", host: "localhost:8080" })).toBe(
    "ws://localhost:8080/api/socket",
  );
});
