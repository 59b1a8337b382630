import type { Page } from "@playwright/test";
import { pause } from "./rig/places.ts";
import { live, talking } from "./rig/seat.ts";
import { expect, test, tones } from "./rig/test.ts";

const rings = (page: Page) => page.evaluate(() => window.probe.rings());

test("of two tabs one rings, both show the call, and the other may answer", async ({
  seat,
  phone,
}) => {
  const anna = await seat("101");
  const second = await anna.tab("/history");
  const desk = await phone("103", tones.desk);
  await desk.dial("101");
  for (const page of [anna.page, second]) {
    await expect(page.getByRole("article", { name: "Emily Carter is calling" })).toBeVisible();
  }
  const loud = async () => Promise.all([anna.page, second].map(rings));
  await expect.poll(loud).toEqual([true, false]);
  await anna.answer(second);
  await expect.poll(loud, { timeout: 5_000 }).toEqual([false, false]);
  await desk.expect("CALL_ESTABLISHED");
  await expect(anna.card()).toContainText("The sound is in another tab");
  await anna.hears({ tone: tones.desk, absent: [tones.low], from: 0.5 }, 3, second);
  await anna.hangUp(second);
  await desk.expect("CALL_CLOSED");
  await desk.heard({ tone: tones.low, from: 0.5, to: 2.5 });
});

test("the tab that rings is closed: another one rings on", async ({ seat, phone }) => {
  const anna = await seat("101");
  const second = await anna.tab();
  const desk = await phone("103", tones.desk);
  await desk.dial("101");
  await expect.poll(() => rings(anna.page)).toBe(true);
  await anna.page.close();
  await expect.poll(() => rings(second)).toBe(true);
  await second.getByRole("button", { name: "Decline" }).click();
  await desk.expect("CALL_CLOSED");
});

test("a page reloaded in mid-call has the call and its sound again", async ({ seat, phone }) => {
  const anna = await seat("101");
  const desk = await phone("103", tones.desk);
  await desk.dial("101");
  await anna.answer();
  await desk.expect("CALL_ESTABLISHED");
  await anna.hears({ tone: tones.desk, from: 0.5 }, 2);
  await anna.page.reload();
  await live(anna.page);
  await talking(anna.page);
  const back = desk.talked();
  await anna.hears({ tone: tones.desk, from: 1 }, 4);
  await anna.hangUp();
  await desk.expect("CALL_CLOSED");
  await desk.heard({ tone: tones.low, from: back + 1.5, to: back + 3.5 });
});

test("a closed tab leaves its call to another", async ({ seat, phone }) => {
  const anna = await seat("101");
  const desk = await phone("103", tones.desk);
  await desk.dial("101");
  await anna.answer();
  await desk.expect("CALL_ESTABLISHED");
  const second = await anna.tab();
  await anna.page.close();
  await expect(anna.card(second)).toContainText("Its tab was closed.");
  await second.getByRole("button", { name: "Continue here" }).click();
  await expect(second.getByRole("button", { name: "Mute" })).toBeVisible();
  const back = desk.talked();
  await anna.hears({ tone: tones.desk, from: 1 }, 4, second);
  await anna.hangUp(second);
  await desk.expect("CALL_CLOSED");
  await desk.heard({ tone: tones.low, from: back + 1.5, to: back + 3.5 });
});

test("a call moves to another browser of the same person, and back", async ({ seat, phone }) => {
  const first = await seat("101");
  const other = await seat("101", { at: "high" });
  const desk = await phone("103", tones.desk);
  await first.dial("103");
  await desk.accept();
  await other.page.getByRole("button", { name: "Continue here" }).click();
  await expect(first.card()).toContainText("The sound is in another tab");
  await other.hears({ tone: tones.desk, from: 1 }, 3);
  await first.hears({ tone: 0 }, 1);
  await first.page.getByRole("button", { name: "Continue here" }).click();
  await first.hears({ tone: tones.desk, from: 1 }, 3);
  await first.hangUp();
  await desk.expect("CALL_CLOSED");
});

test("a socket killed in mid-call comes back by itself, and the sound never stopped", async ({
  seat,
  phone,
}) => {
  const anna = await seat("101");
  const desk = await phone("103", tones.desk);
  await anna.dial("103");
  await desk.accept();
  await talking(anna.page);
  await pause(1);
  const listening = anna.hears({ tone: tones.desk, from: 0.5 }, 5);
  await pause(1);
  const before = await anna.page.evaluate(() => window.probe.sockets.length);
  await anna.page.evaluate(() => window.probe.sockets.at(-1)?.close());
  await anna.page.waitForFunction((n) => window.probe.sockets.length > n, before);
  await live(anna.page);
  await expect(anna.card().getByRole("button", { name: "Mute" })).toBeVisible();
  await listening;
  expect(await anna.page.evaluate(() => window.probe.peers.length)).toBe(1);
  await anna.hangUp();
  await desk.expect("CALL_CLOSED");
  await desk.heard({ tone: tones.low, from: 1, to: 5 });
});

test("a page cut off from the network says so, and comes back to its call", async ({
  seat,
  phone,
}) => {
  const anna = await seat("101");
  const desk = await phone("103", tones.desk);
  await anna.dial("103");
  await desk.accept();
  await talking(anna.page);
  // What emulation leaves alone is a socket that is open already.
  await anna.context.setOffline(true);
  await anna.page.evaluate(() => window.probe.sockets.at(-1)?.close());
  await expect(anna.page.getByText("Reconnecting")).toBeVisible();
  await pause(2);
  await anna.context.setOffline(false);
  await live(anna.page);
  await anna.hears({ tone: tones.desk, from: 1 }, 3);
  await anna.hangUp();
  await desk.expect("CALL_CLOSED");
});
