import type { Page } from "@playwright/test";
import { expectAccessible, expectNoSidewaysScroll } from "./rig/axe.ts";
import { furnish } from "./rig/company.ts";
import { expect, test } from "./rig/test.ts";

const languages = ["en-GB", "de-AT", "cs-CZ"];

/** What the router of the page itself says its pages are. */
async function pagesOf(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const { __TSR_ROUTER__: router } = window as unknown as {
      __TSR_ROUTER__: { routesByPath: Record<string, unknown>; basepath: string };
    };
    const base = router.basepath === "/" ? "" : router.basepath;
    return Object.keys(router.routesByPath).map((path) => base + path);
  });
}

/** Looks at a page in both schemes, as it stands. */
async function bothSchemes(page: Page): Promise<void> {
  // Colours on their way from one scheme to the other are nobody's choice.
  await page.addStyleTag({ content: "*, *::before, *::after { transition: none !important }" });
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await expectAccessible(page);
  }
}

test.describe.configure({ mode: "default" });

for (const [i, locale] of languages.entries()) {
  test(`every page and its dialogs are accessible, ${locale}`, async ({ seat, klapka, phone }) => {
    test.setTimeout(180_000);
    await furnish({ klapka, seat, phone });
    const width = [1280, 1280, 360][i] ?? 1280;
    const anna = await seat("101", { locale, width });
    const { page } = anna;
    const answer = await anna.context.request.get("/api/admin/trace");
    const latest = ((await answer.json()) as { call: string }[])[0]?.call ?? "";
    const visit = async (path: string) => {
      await test.step(path, async () => {
        await page.goto(path.replace("$call", latest));
        await page.getByRole("heading").first().waitFor();
        await page.waitForLoadState("networkidle");
        await bothSchemes(page);
        await expectNoSidewaysScroll(page);
      });
    };
    const client = await pagesOf(page);
    expect(client).toEqual(expect.arrayContaining(["/", "/sign-in", "/history", "/settings"]));
    for (const path of [...client, "/nowhere"]) await visit(path);
    await page.goto("/admin/");
    await page.getByRole("heading").first().waitFor();
    const portal = await pagesOf(page);
    expect(portal.length).toBeGreaterThan(9);
    for (const path of [...portal, "/admin/nowhere"]) await visit(path);

    for (const [path, which] of dialogs) {
      await test.step(`dialog of ${path}`, async () => {
        await page.goto(path.replace("$call", latest));
        await page.waitForLoadState("networkidle");
        await page.locator(which).first().click();
        await page.locator("[role=dialog], [role=menu], [aria-expanded=true]").first().waitFor();
        await page.waitForTimeout(300); // until it stands still
        await bothSchemes(page);
      });
    }
    // Somebody calls, and is spoken with.
    await page.goto("/");
    const emily = await seat("102", { at: "high" });
    await emily.dial("101");
    await anna.card().waitFor();
    await bothSchemes(page);
    await anna.answer();
    await page.getByRole("article").locator("button[aria-pressed]").last().click(); // keypad
    await bothSchemes(page);
    await page.keyboard.press("?");
    await page.getByRole("dialog").waitFor();
    await bothSchemes(page);
    await page.keyboard.press("Escape");
    await emily.hangUp();
  });
}

/** What opens something, by room. */
const add = "main button:has(.tabler-icon-plus)";
const more = "main button[aria-haspopup=menu]";
const dialogs: [path: string, which: string][] = [
  ["/", "header [aria-haspopup=menu]"],
  ["/admin/people", add],
  ["/admin/people", more],
  ["/admin/extensions", add],
  ["/admin/devices", add],
  ["/admin/records", "main tbody button"],
  ["/admin/calls", "main tbody button:has(.tabler-icon-phone-off)"],
  ["/admin/trace/$call", "main ol button:not([disabled])"],
  ["/admin/", "header [aria-haspopup=dialog]"],
];
