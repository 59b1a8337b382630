import { expect, type Browser } from "@playwright/test";
import { Baresip } from "./baresip.ts";
import type { Klapka } from "./klapka.ts";
import { loopback } from "./places.ts";
import { Seat } from "./seat.ts";
import { Stranger } from "./stranger.ts";
import { test as base, tones } from "./test.ts";

/** Tests in a company that has a past and a present; it is made once for them all. */
export const test = base.extend<object, { company: undefined }>({
  company: [
    async ({ klapka, browser }, give) => {
      const phones = await furnish(klapka, browser);
      await give(undefined);
      for (const phone of phones) await phone.stop();
    },
    { scope: "worker", auto: true, timeout: 90_000 },
  ],
});

/**
 * Gives the demo company a past and a present: calls that were answered, missed
 * and refused, a banned guesser, and 103 and 104 in a conversation that goes on.
 */
async function furnish(klapka: Klapka, browser: Browser): Promise<Baresip[]> {
  const phone = async (username: string, tone: number, auto = false) => {
    const secret = `klapka-demo-${username}`;
    const started = new Baresip({ server: klapka.sip, username, secret, tone, auto });
    return (await started.start()).registered();
  };
  const emily = await phone("103", tones.desk);
  const juergen = await phone("104", tones.cordless, true);
  const anna = await Seat.take(browser, klapka.url, "101");
  await anna.dial("104");
  await juergen.expect("CALL_ESTABLISHED");
  await anna.hangUp();
  await juergen.expect("CALL_CLOSED");
  await emily.dial("101");
  await expect(anna.card()).toContainText("Emily Carter");
  await emily.hangup();
  await expect(anna.card()).toHaveCount(0);
  await anna.dial("106");
  await expect(anna.page.getByText("No phone could be reached")).toBeVisible();
  await anna.context.close();
  const stranger = await Stranger.at(loopback(), klapka.sip);
  await stranger.invite("105", "guess", "101");
  while (await stranger.register("105", "guess"));
  stranger.leave();
  await emily.dial("104");
  await juergen.expect("CALL_ESTABLISHED");
  return [emily, juergen];
}
