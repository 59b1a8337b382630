import type { Page } from "@playwright/test";
import { expectAccessible, expectNoSidewaysScroll } from "./rig/axe.ts";
import { test } from "./rig/company.ts";
import { talking, type Seat } from "./rig/seat.ts";
import { expect } from "./rig/test.ts";

const looks = [
  { locale: "en-GB", width: 1280 },
  { locale: "de-AT", width: 1280 },
  { locale: "cs-CZ", width: 360 },
];

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

/** Opens a page; $call is the latest call there is a story of. */
async function open({ page, context }: Seat, path: string): Promise<void> {
  const answer = await context.request.get("/api/admin/trace");
  const latest = ((await answer.json()) as { call: string }[])[0]?.call ?? "";
  await page.goto(path.replace("$call", latest));
  await page.getByRole("heading").first().waitFor();
  await page.waitForLoadState("networkidle");
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

test.describe.configure({ mode: "parallel", timeout: 150_000 });

for (const look of looks) {
  for (const [application, home, nowhere, least] of [
    ["client", "/", "/nowhere", 6],
    ["portal", "/admin/", "/admin/nowhere", 11],
  ] as const) {
    test(`every page of the ${application} is accessible, ${look.locale}`, async ({ seat }) => {
      const anna = await seat("101", { ...look, path: home });
      const pages = await pagesOf(anna.page);
      expect(pages.length).toBeGreaterThanOrEqual(least);
      for (const path of [...pages, nowhere]) {
        await test.step(path, async () => {
          await open(anna, path);
          await expectAccessible(anna.page);
          await expectNoSidewaysScroll(anna.page);
        });
      }
    });
  }

  test(`dialogs, menus and calls are accessible, ${look.locale}`, async ({ seat }) => {
    const anna = await seat("101", look);
    const { page } = anna;
    for (const [path, which] of dialogs) {
      await test.step(`${path} ${which}`, async () => {
        await open(anna, path);
        await page.locator(which).first().click();
        await page.locator("[role=dialog], [role=menu], [aria-expanded=true]").first().waitFor();
        await page.waitForTimeout(300); // until it stands still
        await expectAccessible(page);
      });
    }
    await anna.open(page);
    const pavel = await seat("102", { at: "high" });
    await pavel.dial("101");
    await anna.card().waitFor();
    await expectAccessible(page);
    await anna.answer();
    await talking(pavel.page);
    await page.getByRole("article").locator("button[aria-pressed]").last().click(); // keypad
    await expectAccessible(page);
    await page.keyboard.press("Shift+?");
    await page.getByRole("dialog").waitFor();
    await expectAccessible(page);
    await pavel.hangUp();
  });
}
