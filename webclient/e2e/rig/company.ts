import type { Seat, SeatOptions } from "./seat.ts";
import type { Baresip } from "./baresip.ts";
import { expect } from "@playwright/test";
import { loopback } from "./places.ts";
import { Stranger } from "./stranger.ts";
import type { Klapka } from "./klapka.ts";
import { tones } from "./test.ts";

/** What a company is furnished with. */
interface House {
  klapka: Klapka;
  seat: (login: string, o?: SeatOptions & { at?: "low" | "high" }) => Promise<Seat>;
  phone: (username: string, tone: number, o?: { auto?: boolean }) => Promise<Baresip>;
}

/**
 * Gives the demo company a past and a present: calls that were answered, missed
 * and refused, a banned guesser, and 103 and 104 in a conversation that goes on.
 */
export async function furnish({ klapka, seat, phone }: House): Promise<void> {
  const emily = await phone("103", tones.desk);
  const juergen = await phone("104", tones.cordless, { auto: true });
  const anna = await seat("101");
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
}
