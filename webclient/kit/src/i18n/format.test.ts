import { expect, test, vi } from "vitest";
import { formatDuration, formatWhen } from "./format.ts";
import { pickLanguage } from "./i18n.ts";

test.each([
  [0, "0:00"],
  [7.9, "0:07"],
  [754, "12:34"],
  [3723, "1:02:03"],
  [-5, "0:00"], // the clocks of page and exchange may differ a little
])("%d seconds read as %s", (seconds, text) => {
  expect(formatDuration(seconds)).toBe(text);
});

test("a moment is told as people tell it", () => {
  vi.spyOn(navigator, "languages", "get").mockReturnValue(["de-AT", "en-GB", "cs"]);
  const now = new Date(2026, 4, 12, 10, 24);
  const at = (...parts: [number, number, number, number, number]) =>
    new Date(...parts).toISOString();
  expect(formatWhen(at(2026, 4, 12, 9, 5), "en", now)).toBe("09:05");
  expect(formatWhen(at(2026, 4, 11, 23, 59), "de", now)).toBe("gestern 23:59");
  expect(formatWhen(at(2026, 4, 11, 0, 1), "cs", now)).toBe("včera 0:01");
  expect(formatWhen(at(2026, 0, 2, 8, 0), "en", now)).toBe("2 Jan 08:00");
  expect(formatWhen(at(2025, 11, 31, 8, 0), "de", now)).toContain("2025");
});

test.each([
  [["de-AT", "en"], "de"],
  [["cs"], "cs"],
  [["sk-SK", "en"], "cs"],
  [["fr-FR", "en-US"], "en"],
  [["fr"], "en"],
  [[], "en"],
])("a browser asking for %j gets %s", (wishes, language) => {
  expect(pickLanguage(wishes)).toBe(language);
});
