import AxeBuilder from "@axe-core/playwright";
import { expect, type Page } from "@playwright/test";

const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/**
 * Finds nothing against WCAG 2.2 AA or good practice on the page as it stands, in
 * both colour schemes. Of the second only the colours are looked at: nothing else
 * is another.
 */
export async function expectAccessible(page: Page): Promise<void> {
  // Colours on their way from one scheme to the other are nobody's choice.
  await page.addStyleTag({ content: "*, *::before, *::after { transition: none !important }" });
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    const axe = new AxeBuilder({ page }).setLegacyMode(); // nothing here is in a frame
    const look = colorScheme === "light" ? axe.withTags(tags) : axe.withRules("color-contrast");
    const { violations } = await look.analyze();
    const found = violations.map((v) => ({
      rule: v.id,
      where: v.nodes.map((n) => `${n.target.join(" ")}: ${n.failureSummary ?? ""}`),
    }));
    // Soft: one run should tell of every page.
    expect.soft(found, `${page.url()} ${colorScheme}`).toEqual([]);
  }
}

/** Nothing sticks out sideways: what does cannot be reached on a small screen. */
export async function expectNoSidewaysScroll(page: Page): Promise<void> {
  const excess = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  expect.soft(excess, page.url()).toBe(0);
}
