import { resolve } from "node:path";
import { test } from "@playwright/test";
import { call, now, scriptExchange, type Script } from "./exchange.ts";
import { furnished, portal } from "./portal.ts";

/** One picture: its name, the page, and how the page looks. */
interface Picture {
  name: string;
  url: string;
  script: Script;
  locale?: string;
  dark?: boolean;
  narrow?: boolean;
}

const waiting = call({
  call: "c2",
  leg: "l2",
  direction: "incoming",
  state: "ringing",
  answered_at: null,
  peer: { number: "+43 660 1234567", name: "Hofer GmbH" },
  device: { kind: "browser", name: "", tab_id: null },
});
const busy = { calls: [waiting, call({ tabId: "here" })] };

const pictures: Picture[] = [
  { name: "sign-in", url: "/sign-in", script: { signedIn: false } },
  { name: "set-up", url: "/setup?token=x", script: { signedIn: false } },
  { name: "people", url: "/", script: busy },
  { name: "people-dark-german", url: "/", script: busy, dark: true, locale: "de-AT" },
  { name: "people-narrow-czech", url: "/", script: busy, narrow: true, locale: "cs-CZ" },
  { name: "dial-pad-narrow", url: "/dial", script: {}, narrow: true },
  { name: "history", url: "/history", script: {} },
  { name: "settings", url: "/settings", script: {} },
  ...[
    "people",
    "extensions",
    "devices",
    "registrations",
    "calls",
    "records",
    "bans",
    "trace",
    "settings",
  ].map((room) => ({ name: `portal-${room}`, url: `${portal}/${room}`, script: furnished })),
  { name: "portal-overview", url: `${portal}/`, script: furnished },
  { name: "portal-why", url: `${portal}/trace/r1`, script: furnished },
];

for (const picture of pictures) {
  test(picture.name, async ({ browser }) => {
    const context = await browser.newContext({
      locale: picture.locale ?? "en-GB",
      colorScheme: picture.dark ? "dark" : "light",
      viewport: picture.narrow ? { width: 360, height: 740 } : { width: 1360, height: 820 },
      reducedMotion: "reduce",
    });
    const page = await context.newPage();
    await page.clock.install({ time: now });
    await scriptExchange(page, picture.script);
    await page.goto(picture.url);
    await page.waitForLoadState("networkidle");
    await page.clock.runFor(1_500);
    const file = resolve(import.meta.dirname, `../../../docs/screenshots/${picture.name}.png`);
    await page.screenshot({ path: file });
    await context.close();
  });
}
