import { chromium, test as base, type Browser } from "@playwright/test";
import { Baresip } from "./baresip.ts";
import { Klapka } from "./klapka.ts";
import { Seat, type SeatOptions } from "./seat.ts";
import { toneFile } from "./sound.ts";

/** What each microphone and phone says, in Hz; 80 and more apart. */
export const tones = { low: 440, high: 620, desk: 500, cordless: 770 } as const;

/** Debian's Chromium; nothing is downloaded. */
export const executablePath = process.env.KLAPKA_CHROMIUM ?? "/usr/bin/chromium";

/** Starts a browser whose microphone says a tone, without end. */
export function browserWith(
  tone: number,
  { program = executablePath, args = [] as string[] } = {},
): Promise<Browser> {
  return chromium.launch({
    executablePath: program,
    args: [
      ...args,
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--use-fake-ui-for-media-stream",
      "--use-fake-device-for-media-stream",
      `--use-file-for-fake-audio-capture=${toneFile(48_000, tone, 10)}`,
      // People unlock sound by their clicks; a test that reloads has none.
      "--autoplay-policy=no-user-gesture-required",
      "--disable-features=WebRtcHideLocalIpsWithMdns",
    ],
  });
}

interface Rig {
  /** Signs somebody in at the browser that says the low tone, or at the other. */
  seat: (login: string, o?: SeatOptions & { at?: "low" | "high" }) => Promise<Seat>;
  /** Starts a registered phone of the demo, by its account. */
  phone: (
    username: string,
    tone: number,
    o?: { auto?: boolean; secret?: string },
  ) => Promise<Baresip>;
}

interface House {
  klapka: Klapka;
  high: Browser;
}

/** Tests that have the shipped program with its demo company, browsers and phones. */
export const test = base.extend<Rig, House>({
  klapka: [
    // eslint-disable-next-line no-empty-pattern -- Playwright reads the pattern
    async ({}, give) => {
      const klapka = await new Klapka().start();
      await give(klapka);
      await klapka.stop();
    },
    { scope: "worker", timeout: 30_000 },
  ],
  browser: [
    // eslint-disable-next-line no-empty-pattern -- Playwright reads the pattern
    async ({}, give) => {
      const browser = await browserWith(tones.low);
      await give(browser);
      await browser.close();
    },
    { scope: "worker", timeout: 30_000 },
  ],
  high: [
    // eslint-disable-next-line no-empty-pattern -- Playwright reads the pattern
    async ({}, give) => {
      const browser = await browserWith(tones.high);
      await give(browser);
      await browser.close();
    },
    { scope: "worker", timeout: 30_000 },
  ],
  baseURL: async ({ klapka }, give) => give(klapka.url),
  seat: async ({ klapka, browser, high }, give) => {
    const seats: Seat[] = [];
    await give(async (login, { at = "low", ...o } = {}) => {
      const seat = await Seat.take(at === "low" ? browser : high, klapka.url, login, o);
      seats.push(seat);
      return seat;
    });
    for (const seat of seats) await seat.context.close();
  },
  phone: async ({ klapka }, give, info) => {
    const phones: Baresip[] = [];
    await give(async (username, tone, o = {}) => {
      const secret = o.secret ?? `klapka-demo-${username}`;
      const phone = new Baresip({ server: klapka.sip, username, tone, ...o, secret });
      phones.push(phone);
      return (await phone.start()).registered();
    });
    for (const [i, phone] of phones.entries()) {
      if (info.status !== info.expectedStatus) {
        await info.attach(`phone-${i}.txt`, { body: phone.log });
      }
      await phone.stop();
    }
    if (info.status !== info.expectedStatus) {
      await info.attach("klapka.txt", { body: klapka.said.slice(-20_000) });
    }
  },
});

export { expect } from "@playwright/test";
