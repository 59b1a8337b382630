import { expect, test as base, type Browser, type Page } from "@playwright/test";
import { Klapka } from "./rig/klapka.ts";
import { Host, noNetworks } from "./rig/netns.ts";
import { pause } from "./rig/places.ts";
import { addProbe, record } from "./rig/probe.ts";
import { demoPassword, live, talking } from "./rig/seat.ts";
import { browserWith, executablePath, tones } from "./rig/test.ts";

interface Net {
  host: Host;
  /** Starts an exchange at the host's outside, and a browser in the host. */
  call: (settings?: Record<string, string>) => Promise<Page>;
}

const test = base.extend<Net>({
  // eslint-disable-next-line no-empty-pattern -- Playwright reads the pattern
  host: async ({}, give) => {
    const host = new Host();
    host.join(10);
    await give(host);
    host.close();
  },
  call: async ({ host }, give, info) => {
    let klapka: Klapka | undefined;
    let browser: Browser | undefined;
    await give(async (settings = {}) => {
      const any = `${host.outside}:0`;
      const own = { HTTPS_LISTEN: any, WEBRTC_UDP: any, RTP_LISTEN: host.outside };
      const more = Object.entries(settings).map(([k, v]) => [
        k,
        v.replace("OUTSIDE", host.outside),
      ]);
      klapka = await new Klapka({
        demo: "anywhere",
        settings: { ...own, ...(Object.fromEntries(more) as Record<string, string>) },
      }).start();
      browser = await browserWith(tones.low, {
        program: host.program(executablePath),
        args: ["--ignore-certificate-errors"],
      });
      return echo(browser, klapka.secureUrl);
    });
    await browser?.close();
    if (info.status !== info.expectedStatus && klapka) {
      await info.attach("klapka.txt", { body: klapka.said.slice(-20_000) });
    }
    await klapka?.stop();
  },
});

/** Signs Anna in and calls the echo. */
async function echo(browser: Browser, url: string): Promise<Page> {
  const context = await browser.newContext({
    baseURL: url,
    locale: "en-GB",
    permissions: ["microphone"],
    ignoreHTTPSErrors: true,
  });
  await addProbe(context);
  const data = { login: "101", password: demoPassword };
  expect((await context.request.post(`${url}/api/session`, { data })).status()).toBe(204);
  const page = await context.newPage();
  await page.goto(url);
  await live(page);
  await page.keyboard.press("/");
  await page.keyboard.type("*43");
  await page.getByRole("option").first().waitFor();
  await page.keyboard.press("Enter");
  await talking(page);
  await pause(2);
  return page;
}

/** Notes from now on when packets of sound arrive, in milliseconds of this machine's clock. */
async function watch(page: Page): Promise<void> {
  await page.evaluate(() => {
    const seen: number[] = [];
    Object.assign(window, { seen });
    let last = 0;
    setInterval(() => {
      for (const peer of window.probe.peers) {
        const stamp = peer.getReceivers()[0]?.getSynchronizationSources()[0]?.timestamp ?? 0;
        if (stamp > last) {
          last = stamp;
          seen.push(Date.now());
        }
      }
    }, 10);
  });
}

/** When sound came again after a moment, in milliseconds from then. */
async function back(page: Page, since: number): Promise<number> {
  const seen = await page.evaluate(() => (window as unknown as { seen: number[] }).seen);
  const first = seen.find((at) => at > since);
  return first === undefined ? Infinity : first - since;
}

/** The ways the page's sound takes at this moment, such as "tcp" or "relay". */
function ways(page: Page): Promise<{ protocol: string; type: string; relay?: string }> {
  return page.evaluate(async () => {
    const peer = window.probe.peers.at(-1);
    if (!peer) throw new Error("there is no connection");
    const stats = [...((await peer.getStats()) as unknown as Map<string, never>).values()] as {
      id: string;
      type: string;
      selectedCandidatePairId: string;
      localCandidateId: string;
      candidateType: string;
      protocol: string;
      relayProtocol?: string;
    }[];
    const of = (id?: string) => stats.find((s) => s.id === id);
    const pair = of(stats.find((s) => s.type === "transport")?.selectedCandidatePairId);
    const local = of(pair?.localCandidateId);
    if (!local) throw new Error("no way is chosen");
    return { protocol: local.protocol, type: local.candidateType, relay: local.relayProtocol };
  });
}

test.skip(noNetworks() !== "" && process.env.KLAPKA_TEST_FULL !== "1", noNetworks());

// Network flap: another address in mid-call, and the same call is heard again
// shortly after the link; nothing is dialled anew. Chromium on Linux may tell its
// pages of a new address only two seconds later
// (net::NetworkChangeCalculatorParamsLinux), always when one takes the place of
// another with nothing between; the rest is ours.
for (const [name, gap, within] of [
  ["after six seconds without any", 6, 3_000],
  ["at once", 0, 3_000],
] as const) {
  test(`a browser gets another address ${name}`, async ({ host, call }) => {
    const page = await call({ WEBRTC_TCP: "OUTSIDE:0" });
    await watch(page);
    host.leave(10);
    await pause(gap);
    host.join(20);
    const link = Date.now();
    await pause(4);
    const took = await back(page, link + 1);
    base.info().annotations.push({ type: "sound back after", description: `${took} ms` });
    expect(took).toBeLessThan(within);
    const heard = await record(page, 2);
    expect(heard.strength(tones.low)).toBeGreaterThan(0.05);
    await expect(page.getByRole("article")).toHaveCount(1);
  });
}

// Browsers whose network lets no UDP through talk over TCP, to the exchange
// itself or by its relay.
for (const [name, settings, want] of [
  ["over TCP", { WEBRTC_TCP: "OUTSIDE:0" }, { protocol: "tcp" }],
  ["by the relay over TCP", { TURN_TCP: "OUTSIDE:0" }, { type: "relay", relay: "tcp" }],
] as const) {
  test(`a call without UDP goes ${name}`, async ({ host, call }) => {
    host.blockUDP();
    const page = await call(settings);
    expect(await ways(page)).toMatchObject(want);
    const heard = await record(page, 3);
    expect(heard.strength(tones.low)).toBeGreaterThan(0.05);
  });
}
