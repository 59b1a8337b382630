import type { Page } from "@playwright/test";
import { Baresip } from "./rig/baresip.ts";
import { loopback, until } from "./rig/places.ts";
import { Stranger } from "./rig/stranger.ts";
import { Klapka } from "./rig/klapka.ts";
import { Seat, talking } from "./rig/seat.ts";
import { expect, test, tones } from "./rig/test.ts";

/** Opens a room of the portal by its place in the navigation. */
async function room(page: Page, name: string): Promise<void> {
  await page.getByRole("navigation").getByRole("link", { name, exact: true }).click();
  await page.getByRole("heading", { level: 1 }).waitFor();
}

const row = (page: Page, text: string | RegExp) => page.getByRole("row").filter({ hasText: text });

/** Does something with a row through its menu. */
async function act(page: Page, name: string, verb: string): Promise<void> {
  await page.getByRole("button", { name: `Actions for ${name}` }).click();
  await page.getByRole("menuitem", { name: verb }).click();
}

/** Adds a phone and reads its account from the dialog. */
async function addPhone(page: Page, extension: string, name: string) {
  await room(page, "Phones");
  await page.getByRole("button", { name: "Add a phone" }).click();
  await page.getByRole("combobox", { name: "Extension" }).fill(extension);
  await page.getByRole("option", { name: new RegExp(`^${extension}`) }).click();
  await page.getByRole("textbox", { name: "Name", exact: true }).fill(name);
  await page.getByRole("button", { name: "Save" }).click();
  const dialog = page.getByRole("dialog", { name: "Account for the phone" });
  await expect(dialog.getByRole("img", { name: /QR code/ })).toBeVisible();
  const fact = (label: string) =>
    dialog.getByRole("row").filter({ hasText: label }).locator("code").first().innerText();
  const account = { server: await fact("Server"), username: await fact("User name"), secret: "" };
  account.secret = await dialog
    .getByRole("row")
    .filter({ has: page.getByRole("rowheader", { name: "Secret" }) })
    .locator("code")
    .innerText();
  await dialog.getByRole("button", { name: "I have entered it" }).click();
  await expect(page.getByText(account.secret)).toHaveCount(0);
  return account;
}

test("a person and a phone are added, and both work at once", async ({ seat }) => {
  const { page } = await seat("101", { path: "/admin/" });
  await room(page, "People");
  await page.getByRole("button", { name: "Add a person" }).click();
  await page.getByLabel("First name").fill("Eva");
  await page.getByLabel("Last name").fill("Černá");
  await page.getByRole("textbox", { name: "E-mail" }).fill("eva@demo.klapka.example");
  await page.getByRole("textbox", { name: "Extension" }).fill("201");
  await page.getByRole("textbox", { name: "Password" }).fill("a short sentence");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(row(page, "Eva Černá")).toContainText("201");
  const account = await addPhone(page, "201", "Corner");

  const desk = await new Baresip({ ...account, tone: tones.desk }).start();
  try {
    await desk.registered();
    await room(page, "Registrations");
    await expect(row(page, account.username)).toContainText("baresip");
    const eva = await seat("201", { at: "high", password: "a short sentence" });
    const anna = await seat("101");
    await desk.dial("101");
    await expect(anna.card()).toContainText("Eva Černá");
    await room(page, "Live calls");
    await expect(row(page, "Eva Černá")).toContainText("Ringing");
    await anna.answer();
    await desk.expect("CALL_ESTABLISHED");
    await anna.hears({ tone: tones.desk, from: 0.5 }, 2);
    await expect(row(page, "Eva Černá")).toContainText("Talking");
    await expect(eva.card()).toContainText("On Corner");
    await row(page, "Eva Černá").getByRole("button", { name: "End" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "End" }).click();
    await desk.expect("CALL_CLOSED");
    await expect(anna.card()).toHaveCount(0);
    await expect(page.getByText("No calls at the moment")).toBeVisible();
  } finally {
    await desk.stop();
  }
});

test("a phone that is disabled is refused, and one that is enabled again is not", async ({
  seat,
  klapka,
}) => {
  const { page } = await seat("101", { path: "/admin/devices" });
  const stranger = await Stranger.at(loopback(), klapka.sip);
  const works = () => stranger.register("106", "klapka-demo-106");
  expect(await works()).toBe(200);
  const toggle = async () => {
    await act(page, "106", "Edit");
    await page.getByRole("switch", { name: "Disabled" }).click();
    await page.getByRole("button", { name: "Save" }).click();
    await expect(page.getByRole("dialog")).toHaveCount(0);
  };
  await toggle();
  await expect(row(page, "106")).toContainText("Disabled");
  await expect(row(page, "106")).toContainText("Not registered");
  expect(await works()).toBeGreaterThanOrEqual(400);
  await toggle();
  await expect(row(page, "106")).toContainText("Enabled");
  expect(await works()).toBe(200);
  stranger.leave();
});

test("a new secret ends the old one", async ({ seat, klapka }) => {
  const { page } = await seat("101", { path: "/admin/devices" });
  const stranger = await Stranger.at(loopback(), klapka.sip);
  await act(page, "105", "New secret");
  await page.getByRole("dialog").getByRole("button", { name: "New secret" }).click();
  const dialog = page.getByRole("dialog", { name: "Account for the phone" });
  const secret = await dialog
    .getByRole("row")
    .filter({ has: page.getByRole("rowheader", { name: "Secret" }) })
    .locator("code")
    .innerText();
  await dialog.getByRole("button", { name: "I have entered it" }).click();
  expect(await stranger.register("105", "klapka-demo-105")).toBe(401);
  expect(await stranger.register("105", secret)).toBe(200);
  stranger.leave();
});

test("what is in use is not deleted, and the reason is read", async ({ seat }) => {
  const { page } = await seat("101", { path: "/admin/extensions" });
  await act(page, "104", "Delete");
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "Delete" }).click();
  await expect(dialog.getByRole("alert")).toContainText("extension 104 still has devices: 104");
  await dialog.getByRole("button", { name: "Cancel" }).click();
  await room(page, "People");
  await act(page, "Anna Huber", "Delete");
  await dialog.getByRole("button", { name: "Delete" }).click();
  await expect(dialog.getByRole("alert")).toBeVisible();
  await dialog.getByRole("button", { name: "Cancel" }).click();
  await expect(row(page, "Anna Huber")).toBeVisible();
});

test("a fault in a field is shown at the field", async ({ seat }) => {
  const { page } = await seat("101", { path: "/admin/people" });
  await page.getByRole("button", { name: "Add a person" }).click();
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("Enter a name.")).toBeVisible();
  await page.getByLabel("Last name").fill("Huber");
  const email = page.getByRole("textbox", { name: "E-mail" });
  await email.fill("anna@demo.klapka.example"); // is Anna's
  await page.getByRole("button", { name: "Save" }).click();
  await expect(email).toHaveAttribute("aria-invalid", "true");
  await email.fill("nobody");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(email).toHaveAttribute("aria-invalid", "true");
  await page.getByRole("button", { name: "Cancel" }).click();
});

test("whoever guesses passwords is banned, which is seen and lifted", async ({ seat, klapka }) => {
  const { page } = await seat("101", { path: "/admin/bans" });
  await expect(page.getByText("Nobody is banned")).toBeVisible();
  const host = loopback();
  const stranger = await Stranger.at(host, klapka.sip);
  await until("the stranger is ignored", async () => !(await stranger.register("104", "guess")));
  await page.reload();
  await expect(row(page, host)).toContainText("wrong passwords");
  expect(await stranger.register("104", "klapka-demo-104")).toBe(0);
  await page.getByRole("button", { name: `Lift the ban of ${host}` }).click();
  await expect(page.getByText("Nobody is banned")).toBeVisible();
  expect(await stranger.register("104", "klapka-demo-104")).toBe(200);
  stranger.leave();
});

test("filters of the records stand in the address and come back from it", async ({
  seat,
  phone,
}) => {
  const anna = await seat("101");
  const desk = await phone("103", tones.desk);
  await anna.dial("103");
  await desk.expect("CALL_INCOMING");
  await desk.hangup();
  await expect(anna.page.getByText("Busy", { exact: true })).toBeVisible();
  await anna.dial("103");
  await desk.accept();
  await talking(anna.page);
  await anna.hangUp();
  await anna.open(anna.page, "/admin/records");
  const { page } = anna;
  await page.getByRole("combobox", { name: "Outcome" }).click();
  await page.getByRole("option", { name: "Busy" }).click();
  await expect(page).toHaveURL(/cause=busy/);
  await page.getByLabel("Name or number").fill("carter");
  await expect(page).toHaveURL(/search=carter/);
  await expect(row(page, "Emily Carter")).toHaveCount(1);
  await page.reload();
  await expect(page.getByLabel("Name or number")).toHaveValue("carter");
  await expect(row(page, "Emily Carter")).toContainText("Busy");
  await row(page, "Emily Carter").getByRole("button", { name: "Details" }).click();
  await expect(page.getByRole("dialog")).toContainText("baresip");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Clear the filters" }).click();
  await expect(page).toHaveURL(/\/records$/);
  await expect(row(page, "Answered").first()).toBeVisible();
});

test("why a call did not ring: not registered, declined, wrong password", async ({
  browser,
  high,
}) => {
  // An exchange of its own: phones of other tests may still be registered there.
  const klapka = await new Klapka().start();
  const anna = await Seat.take(browser, klapka.url, "101");
  await anna.dial("104"); // nothing of his is registered
  await expect(anna.page.getByText("No phone could be reached")).toBeVisible({ timeout: 20_000 });
  const account = { server: klapka.sip, username: "103", secret: "klapka-demo-103" };
  const desk = await (await new Baresip({ ...account, tone: tones.desk }).start()).registered();
  const pavel = await Seat.take(high, klapka.url, "102");
  await desk.dial("102");
  await pavel.page.getByRole("button", { name: "Decline" }).click();
  await desk.expect("CALL_CLOSED");
  const stranger = await Stranger.at(loopback(), klapka.sip);
  expect(await stranger.invite("106", "guess", "101")).toBe(401);
  stranger.leave();

  const { page } = anna;
  await anna.open(page, "/admin/trace");
  const why = async (text: string | RegExp, reason: string | RegExp) => {
    await row(page, text).first().getByRole("link", { name: "Why?" }).click();
    await expect(page.getByRole("main")).toContainText(reason);
  };
  await why(/Anna Huber.*104/, "104 was not rung: it is not registered");
  await page.getByRole("link", { name: "All calls" }).click();
  await why(/Emily Carter.*102/, "Declined");
  await page.getByText("Messages", { exact: true }).click();
  await page
    .getByRole("button", { name: /INVITE/ })
    .first()
    .click();
  await expect(page.getByText(/Via: SIP\/2\.0\/UDP/)).toBeVisible();
  const saved = page.waitForEvent("download");
  await page.getByRole("link", { name: "Download" }).click();
  expect((await saved).suggestedFilename()).toMatch(/^klapka-.*\.txt$/);
  await page.getByRole("link", { name: "All calls" }).click();
  await why(/106.*101/, /wrong password/i);
  await desk.stop();
  for (const left of [anna, pavel]) await left.context.close();
  await klapka.stop();
});

test("who is not signed in is sent to sign in and back", async ({ page, klapka }) => {
  await page.goto(`${klapka.url}/admin/people`);
  await page.waitForURL("**/sign-in?next=%2Fadmin%2Fpeople");
  await page.getByLabel("Extension or e-mail").fill("101");
  await page.getByLabel("Password", { exact: true }).fill("klapka-demo");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "People", level: 1 })).toBeVisible();
  await expect(page).toHaveURL(/\/admin\/people$/);
});

// Y-06: who is no administrator finds no way in, and is told so at the address.
test("others are told that this is not for them", async ({ seat }) => {
  const { page } = await seat("103");
  await expect(page.getByRole("link", { name: "Admin" })).toHaveCount(0);
  await page.goto("/admin/people");
  await expect(page.getByRole("heading", { name: "This is for administrators" })).toBeVisible();
  await expect(page.getByRole("navigation")).toHaveCount(0);
});
