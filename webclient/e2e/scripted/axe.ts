import AxeBuilder from "@axe-core/playwright";
import { expect, type Page } from "@playwright/test";

/** Finds nothing against WCAG 2.2 AA or good practice on the page as it stands. */
export async function expectAccessible(page: Page): Promise<void> {
  const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
  const { violations } = await new AxeBuilder({ page }).withTags(tags).analyze();
  const found = violations.map((v) => ({
    rule: v.id,
    where: v.nodes.map((n) => `${n.target.join(" ")}: ${n.failureSummary ?? ""}`),
  }));
  expect(found).toEqual([]);
}

/** Every language with both colour schemes and two widths, spread over few runs. */
export const looks = [
  { locale: "en-GB", colorScheme: "light", width: 1440 },
  { locale: "de-AT", colorScheme: "dark", width: 1440 },
  { locale: "cs-CZ", colorScheme: "light", width: 360 },
  { locale: "de-DE", colorScheme: "light", width: 1440 },
  { locale: "cs-CZ", colorScheme: "dark", width: 1440 },
  { locale: "en-GB", colorScheme: "dark", width: 360 },
] as const;

/** Nothing sticks out sideways: what does cannot be reached on a small screen. */
export async function expectNoSidewaysScroll(page: Page): Promise<void> {
  const excess = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  expect(excess).toBe(0);
}
