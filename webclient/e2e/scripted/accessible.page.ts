import { test } from "@playwright/test";
import { expectAccessible, expectNoSidewaysScroll, looks } from "./axe.ts";
import { call, scriptExchange, type Script } from "./exchange.ts";
import { furnished, portal } from "./portal.ts";

const waiting = call({
  call: "c2",
  leg: "l2",
  direction: "incoming",
  state: "ringing",
  answered_at: null,
  peer: { number: "+43 660 1234567", name: "Hofer GmbH" },
  device: { kind: "browser", name: "", tab_id: null },
});

/** Every page of the client, the busiest way it can look. */
const pages: [path: string, script: Script][] = [
  ["/sign-in", { signedIn: false }],
  ["/setup", { signedIn: false }],
  ["/setup?token=abc", { signedIn: false }],
  ["/", { calls: [waiting, call({ tabId: "here" })] }],
  ["/dial", {}],
  ["/history", { calls: [call({ on_hold: true, tabId: "elsewhere" })] }],
  ["/settings", {}],
  ["/nowhere", {}],
];

/** Every room of the portal, furnished. */
const rooms = [
  "/",
  "/people",
  "/extensions",
  "/devices",
  "/registrations",
  "/calls",
  "/records?cause=busy",
  "/bans",
  "/trace",
  "/trace/r1",
  "/settings",
  "/nowhere",
].map((room): [path: string, script: Script] => [portal + room, furnished]);

for (const look of looks) {
  const { locale, colorScheme, width } = look;
  test(`every page is accessible in ${locale}, ${colorScheme}, ${width} px`, async ({
    browser,
  }) => {
    test.setTimeout(240_000);
    for (const [path, script] of [...pages, ...rooms]) {
      await test.step(path, async () => {
        const context = await browser.newContext({
          locale,
          colorScheme,
          viewport: { width, height: 800 },
          reducedMotion: "reduce",
        });
        const page = await context.newPage();
        await scriptExchange(page, script);
        await page.goto(path);
        await page.getByRole("heading").first().waitFor();
        await page.waitForLoadState("networkidle");
        await expectAccessible(page);
        await expectNoSidewaysScroll(page);
        await context.close();
      });
    }
  });
}

for (const colorScheme of ["light", "dark"] as const) {
  test(`menus and dialogs are accessible, ${colorScheme}`, async ({ browser }) => {
    const context = await browser.newContext({ colorScheme, reducedMotion: "reduce" });
    const page = await context.newPage();
    await scriptExchange(page, { calls: [call({ tabId: "here" })] });
    await page.goto("/");
    await page.getByRole("button", { name: "Keypad" }).click();
    await expectAccessible(page);
    await page.getByPlaceholder("Name or number").fill("1");
    await page.getByRole("option").first().waitFor();
    await expectAccessible(page);
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: /account/ }).click();
    await page.getByRole("menu").waitFor();
    await expectAccessible(page);
    await page.getByRole("menuitem", { name: "Keyboard shortcuts" }).click();
    await page.getByRole("dialog").waitFor();
    await expectAccessible(page);
    await context.close();
  });
}

const dialogs: [room: string, button: string][] = [
  ["/people", "Add a person"],
  ["/extensions", "Add an extension"],
  ["/devices", "Add a phone"],
  ["/records", "Details"],
  ["/calls", "End"],
  ["/people", "Actions for Jana Nováková"],
  ["/trace/r1", "INVITE"],
  ["/", "Jana Nováková: account and appearance"],
];

for (const colorScheme of ["light", "dark"] as const) {
  test(`the portal's dialogs are accessible, ${colorScheme}`, async ({ browser }) => {
    const context = await browser.newContext({ colorScheme, reducedMotion: "reduce" });
    const page = await context.newPage();
    test.setTimeout(120_000);
    await scriptExchange(page, furnished);
    for (const [room, button] of dialogs) {
      await test.step(`${room} ${button}`, async () => {
        await page.goto(portal + room);
        await page.getByRole("button", { name: button }).first().click();
        await page.waitForTimeout(400); // until the dialog stands still
        await expectAccessible(page);
      });
    }
    await context.close();
  });
}
