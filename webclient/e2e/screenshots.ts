import type { Page } from "@playwright/test";
import { rmSync } from "node:fs";
import { resolve } from "node:path";
import { test } from "./rig/company.ts";
import { repository } from "./rig/places.ts";
import { talking } from "./rig/seat.ts";
import { tones } from "./rig/test.ts";

const folder = resolve(repository, "docs/screenshots");

/** Takes a picture once nothing moves any more. */
async function picture(page: Page, name: string): Promise<void> {
  await page.waitForLoadState("networkidle");
  await page.mouse.move(0, 0);
  await page.waitForTimeout(400);
  await page.screenshot({ path: resolve(folder, `${name}.png`), animations: "disabled" });
}

const english = { locale: "en-GB", colorScheme: "light" } as const;
const german = { locale: "de-AT", colorScheme: "dark" } as const;
const narrow = { locale: "cs-CZ", colorScheme: "light", width: 360, height: 740 } as const;

test("pictures", async ({ browser, klapka, seat, phone }) => {
  test.setTimeout(180_000);
  rmSync(folder, { recursive: true, force: true });
  await phone("106", tones.high);
  const pavel = await seat("102", { at: "high" });

  const stranger = await browser.newPage({ ...english, viewport: { width: 1280, height: 800 } });
  await stranger.goto(`${klapka.url}/sign-in`);
  await picture(stranger, "sign-in");
  await stranger.close();

  const looks = { "en-light": english, "de-dark": german, "cs-narrow": narrow };
  for (const [name, look] of Object.entries(looks)) {
    const anna = await seat("101", look);
    await picture(anna.page, `client-idle-${name}`);
    await pavel.dial("101");
    await anna.card().waitFor();
    await picture(anna.page, `client-ringing-${name}`);
    await anna.answer();
    await talking(pavel.page);
    await pavel.page.waitForTimeout(2_500);
    await picture(anna.page, `client-talking-${name}`);
    await pavel.hangUp();
    await anna.context.close();
  }

  for (const [name, look] of Object.entries({ "en-light": english, "de-dark": german })) {
    const { page, context } = await seat("101", { ...look, path: "/admin/" });
    await page.goto("/admin/people");
    await picture(page, `portal-people-${name}`);
    const traces = (await (await context.request.get("/api/admin/trace")).json()) as {
      call: string;
      dialled: string;
    }[];
    const missed = traces.find((t) => t.dialled === "106");
    await page.goto(`/admin/trace/${missed?.call ?? ""}`);
    await picture(page, `portal-why-${name}`);
    await page.goto("/admin/devices");
    await page.locator("main button:has(.tabler-icon-plus)").click();
    await page.getByRole("dialog").getByRole("combobox").first().fill("105");
    await page.getByRole("option", { name: /^105/ }).click();
    await page.getByRole("dialog").locator("button[type=submit]").click();
    await page.locator("[role=dialog] svg[role=img]").waitFor();
    await picture(page, `portal-secret-${name}`);
    await context.close();
  }
});
