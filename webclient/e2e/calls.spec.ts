import { expect, test, tones } from "./rig/test.ts";
import { pause } from "./rig/places.ts";
import { record } from "./rig/probe.ts";
import { talking, type Seat } from "./rig/seat.ts";

test("browser calls browser by one click: each hears the other in every second", async ({
  seat,
}) => {
  const anna = await seat("101");
  const pavel = await seat("102", { at: "high" });
  const row = anna.page.getByRole("listitem").filter({ hasText: "Pavel Novák" });
  await expect(row).toContainText("Free");
  await row.getByRole("button", { name: "Call Pavel Novák" }).click();
  await expect(pavel.page.getByRole("article", { name: "Anna Huber is calling" })).toBeVisible();
  await expect(anna.card()).toContainText("Ringing …");
  await expect(row).toContainText("Ringing");
  await pavel.answer();
  await talking(anna.page);
  await Promise.all([
    anna.hears({ tone: tones.high, absent: [tones.low], from: 0.5 }, 4),
    pavel.hears({ tone: tones.low, absent: [tones.high], from: 0.5 }, 4),
  ]);
  await expect(row).toContainText("On a call");
  await pavel.hangUp();
  await expect(anna.card()).toHaveCount(0);
  await expect(row).toContainText("Free");
});

test("a desk phone calls a browser, which hangs up", async ({ seat, phone }) => {
  const anna = await seat("101");
  const desk = await phone("103", tones.desk);
  await desk.dial("101");
  await expect(anna.page.getByRole("article", { name: "Emily Carter is calling" })).toBeVisible();
  await anna.answer();
  await desk.expect("CALL_ESTABLISHED");
  await anna.hears({ tone: tones.desk, absent: [tones.low], from: 0.5 }, 4);
  await anna.hangUp();
  await desk.expect("CALL_CLOSED");
  await desk.heard({ tone: tones.low, absent: [tones.desk], from: 0.5, to: 3.5 });
});

test("a browser calls a desk phone, which hangs up", async ({ seat, phone }) => {
  const desk = await phone("103", tones.desk);
  const pavel = await seat("102", { at: "high" });
  await pavel.dial("103");
  await desk.accept();
  await talking(pavel.page);
  await pavel.hears({ tone: tones.desk, absent: [tones.high], from: 0.5 }, 4);
  await desk.hangup();
  await expect(pavel.card()).toHaveCount(0);
  await desk.heard({ tone: tones.high, absent: [tones.desk], from: 0.5, to: 3.5 });
});

test("who calls from a browser hears it ring", async ({ seat, phone }) => {
  const desk = await phone("103", tones.desk);
  const pavel = await seat("102", { at: "high" });
  await pavel.dial("103");
  await expect(pavel.card()).toContainText("Ringing …");
  const heard = await record(pavel.page, 6); // the tone comes for a second every five
  expect(heard.strength(425)).toBeGreaterThan(0.005);
  await desk.accept();
  await talking(pavel.page);
  await pavel.hears({ tone: tones.desk, absent: [tones.high], from: 0.5 }, 3);
  await pavel.hangUp();
});

test("mute silences the one and leaves the other heard", async ({ seat, phone }) => {
  const anna = await seat("101");
  const desk = await phone("103", tones.desk);
  await anna.dial("103");
  await desk.accept();
  await talking(anna.page);
  await anna.page.getByRole("button", { name: "Mute" }).click();
  await expect(anna.page.getByRole("button", { name: "Unmute" })).toBeVisible();
  const from = desk.talked();
  await anna.hears({ tone: tones.desk }, 3);
  await anna.page.getByRole("button", { name: "Unmute" }).click();
  const until = desk.talked();
  await pause(2.5);
  const end = desk.talked();
  await anna.hangUp();
  await desk.expect("CALL_CLOSED");
  await desk.heard({ tone: 0, from: from + 0.5, to: until - 0.5 });
  await desk.heard({ tone: tones.low, from: until + 0.5, to: end - 0.2 });
});

test("who is held hears nothing of the other, and all of it after resuming", async ({ seat }) => {
  const anna = await seat("101");
  const pavel = await seat("102", { at: "high" });
  await anna.dial("102");
  await pavel.answer();
  await talking(anna.page);
  await anna.page.getByRole("button", { name: "Hold" }).click();
  await expect(anna.card()).toContainText("On hold");
  await expect(pavel.card()).toContainText("You are on hold");
  await pause(0.5); // until what was on its way has been played
  const [heard] = await Promise.all([record(pavel.page, 2), anna.hears({ tone: 0 }, 2)]);
  // A tenth of what it was at most, for music may have this note in it.
  expect(heard.strength(tones.low)).toBeLessThan(0.025);
  await anna.page.getByRole("button", { name: "Resume" }).click();
  await expect(pavel.card()).toContainText("On a call");
  await Promise.all([
    anna.hears({ tone: tones.high, from: 0.5 }, 3),
    pavel.hears({ tone: tones.low, from: 0.5 }, 3),
  ]);
  await anna.hangUp();
});

test("keys pressed in the browser arrive at the phone, and the phone's are heard", async ({
  seat,
  phone,
}) => {
  const anna = await seat("101");
  const desk = await phone("103", tones.desk);
  await anna.dial("103");
  await desk.accept();
  await talking(anna.page);
  await anna.page.getByRole("button", { name: "Keypad" }).click();
  for (const key of ["1", "5", "*", "#"]) {
    await anna.card().getByRole("button", { name: key, exact: true }).click();
  }
  await expect
    .poll(() => desk.params("CALL_DTMF_START").join(""), { timeout: 10_000 })
    .toBe("15*#");
  const [heard] = await Promise.all([record(anna.page, 2), desk.press("9")]);
  // A browser plays a received key as the two tones it stands for (ITU-T Q.23).
  expect(heard.strength(852)).toBeGreaterThan(0.002);
  expect(heard.strength(1477)).toBeGreaterThan(0.002);
  await anna.hangUp();
});

const words = [
  { locale: "en-GB", busy: "Busy", declined: "Declined", gone: "No phone could be reached" },
  { locale: "de-AT", busy: "Besetzt", declined: "Abgelehnt", gone: "Kein Telefon war erreichbar" },
  { locale: "cs-CZ", busy: "Obsazeno", declined: "Odmítnuto", gone: "Žádný telefon" },
];

test("why a call came to nothing is said in words, in each language", async ({ seat, phone }) => {
  // She is signed in three times; each place tells it in its own language.
  const places: Seat[] = [];
  for (const { locale } of words) places.push(await seat("101", { locale }));
  const anna = places[0] as Seat;
  const pavel = await seat("102", { at: "high" });
  const desk = await phone("103", tones.desk);
  const told = async (which: "busy" | "declined" | "gone") => {
    for (const [i, place] of places.entries()) {
      const notice = place.page.getByRole("status").filter({ hasText: words[i]?.[which] ?? "" });
      await expect(notice).toBeVisible();
    }
  };
  await anna.dial("103");
  await desk.expect("CALL_INCOMING");
  await desk.hangup(); // which this phone does by 486
  await told("busy");
  await anna.dial("102");
  await pavel.page.getByRole("button", { name: "Decline" }).click();
  await told("declined");
  await anna.dial("106");
  await told("gone");
  await expect(anna.card()).toHaveCount(0);
});

test("a caller who gives up while it rings leaves a missed call", async ({ seat }) => {
  const anna = await seat("101");
  const pavel = await seat("102", { at: "high" });
  await anna.dial("102");
  await expect(pavel.card()).toContainText("Anna Huber");
  await anna.hangUp();
  await expect(pavel.card()).toHaveCount(0);
  await pavel.page.getByRole("link", { name: "History" }).click();
  const latest = pavel.page.getByRole("main").getByRole("listitem").first();
  await expect(latest).toContainText("Anna Huber");
  await expect(latest).toContainText("Missed call");
});

test("the keyboard alone: answer by Enter, hold by H, mute by M, end by X, decline by Escape", async ({
  seat,
}) => {
  const anna = await seat("101");
  const pavel = await seat("102", { at: "high" });
  await anna.page.keyboard.press("/");
  await anna.page.keyboard.type("novak"); // without the accent
  await anna.page.keyboard.press("Enter");
  await expect(pavel.card()).toBeVisible();
  await pavel.page.keyboard.press("Enter");
  await talking(pavel.page);
  await pavel.page.keyboard.press("m");
  await expect(pavel.page.getByRole("button", { name: "Unmute" })).toBeVisible();
  await expect(pavel.page.getByRole("button", { name: "Hold" })).toBeEnabled();
  await pavel.page.keyboard.press("h");
  await expect(pavel.card()).toContainText("On hold");
  await pavel.page.getByPlaceholder("Filter the list").pressSequentially("xhm");
  await expect(pavel.card()).toBeVisible(); // those were letters
  await pavel.page.getByPlaceholder("Filter the list").blur();
  await pavel.page.keyboard.press("x");
  await expect(anna.card()).toHaveCount(0);
  await anna.page.getByRole("textbox", { name: "Number", exact: true }).fill("1 0-2");
  await anna.page.keyboard.press("Enter");
  await expect(pavel.card()).toBeVisible();
  await pavel.page.keyboard.press("Escape");
  await expect(pavel.card()).toHaveCount(0);
  await expect(anna.page.getByText("Declined", { exact: true })).toBeVisible();
});
