import { expect, test } from "vitest";
import { initials } from "./PersonAvatar.tsx";
import { dialable, matches } from "./search.ts";

test.each([
  ["novak", "Jana Nováková", true],
  ["jana nov", "Jana Nováková", true],
  ["schaefer", "Lukas Schäfer", true],
  ["schafer", "Lukas Schäfer", true],
  ["SCHÄFER", "Lukas Schäfer", true],
  ["strasse", "Lange Straße", true],
  ["ova", "Jana Nováková", false], // the middle of a word is no match
  ["", "anybody", true],
])("%s finds %s: %s", (query, name, found) => {
  expect(matches(query, name, "101")).toBe(found);
});

test("a number is found by its beginning", () => {
  expect(matches("10", "Jana", "101")).toBe(true);
  expect(matches("01", "Jana", "101")).toBe(false);
});

test.each([
  ["101", "101"],
  ["*43", "*43"],
  ["+43 (0)660 / 123-45.67", "+436601234567"],
  ["tel:+420 222 333 444", "+420222333444"],
  [" 0664 1234 ", "06641234"],
  ["call me", null],
  ["1", null],
  ["", null],
  ["12+3", null],
])("%s dials %s", (text, number) => {
  expect(dialable(text)).toBe(number);
});

test.each([
  ["Jana Nováková", "JN"],
  ["Workshop", "W"],
  ["Anna Maria Huber", "AH"],
  ["+43 660 1234567", "67"],
  ["", ""],
])("%s is drawn as %s", (name, letters) => {
  expect(initials(name)).toBe(letters);
});
