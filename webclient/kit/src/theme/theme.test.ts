import { mergeMantineTheme, DEFAULT_THEME } from "@mantine/core";
import { expect, test } from "vitest";
import { petrol, slate } from "./colors.ts";
import { cssVariables, theme } from "./theme.ts";

const variables = cssVariables(mergeMantineTheme(DEFAULT_THEME, theme));
const light: Record<string, string> = variables.light;
const dark: Record<string, string> = variables.dark;

/** What texts stand on, per scheme. */
const grounds = {
  light: ["#ffffff", light["--k-canvas"] ?? ""],
  dark: [slate[7], slate[8]],
};

const texts = [
  "--mantine-color-text",
  "--mantine-color-dimmed",
  "--mantine-color-placeholder",
  "--mantine-color-error",
  "--mantine-color-anchor",
  "--k-free",
  "--k-ringing",
  "--k-talking",
  "--k-held",
];

// WCAG 2.2 §1.4.3: 4.5:1 for texts of ordinary size.
test.each(texts)("%s can be read on every ground", (name) => {
  for (const ground of grounds.light) expect(contrast(light[name], ground)).toBeGreaterThan(4.5);
  for (const ground of grounds.dark) expect(contrast(dark[name], ground)).toBeGreaterThan(4.5);
});

test.each([
  ["the main button, light", petrol[7]],
  ["the main button, dark", petrol[6]],
  ["answer", light["--mantine-color-green-filled"]],
  ["answer, dark, hovered", dark["--mantine-color-green-filled"]],
  ["hang up", light["--mantine-color-red-filled"]],
  ["hang up, dark", dark["--mantine-color-red-filled"]],
])("white on %s", (_, ground) => {
  expect(contrast("#ffffff", ground)).toBeGreaterThan(4.5);
});

test("the rail", () => {
  expect(contrast(light["--k-rail-text"], light["--k-rail"])).toBeGreaterThan(4.5);
  expect(contrast(dark["--k-rail-text"], dark["--k-rail"])).toBeGreaterThan(4.5);
});

function contrast(one = "", two = ""): number {
  const [high = 0, low = 0] = [luminance(one), luminance(two)].toSorted((a, b) => b - a);
  return (high + 0.05) / (low + 0.05);
}

/** Relative luminance of #rrggbb (WCAG 2.2, definition of the term). */
function luminance(hex: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const channel = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
