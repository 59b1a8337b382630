import { Klapka } from "./rig/klapka.ts";
import { until } from "./rig/places.ts";
import { live } from "./rig/seat.ts";
import { addProbe } from "./rig/probe.ts";
import { expect, test } from "./rig/test.ts";

test("a new exchange is set up with the link it prints, which works once", async ({ browser }) => {
  const klapka = new Klapka({ demo: false });
  try {
    await klapka.start();
    const link = await until("the link is printed", () =>
      klapka.said.match(/http:\/\/\S+\/setup\?token=\S+/)?.at(0),
    );
    const context = await browser.newContext({ locale: "en-GB" });
    await addProbe(context);
    const page = await context.newPage();
    await page.goto(link);
    await page.getByLabel("First name").fill("Jana");
    await page.getByRole("button", { name: "Create the administrator" }).click();
    await expect(page.getByText("Enter a name.")).toBeVisible();
    await page.getByLabel("Last name").fill("Nováková");
    await page.getByLabel("E-mail").fill("jana@example.com");
    await page.getByLabel("Password", { exact: true }).fill("short");
    await page.getByRole("button", { name: "Create the administrator" }).click();
    await expect(page.getByText("Use at least 12 characters.")).toBeVisible();
    await page.getByLabel("Password", { exact: true }).fill("a short sentence");
    await page.getByRole("button", { name: "Create the administrator" }).click();
    // She is signed in, and where there is something to do.
    await page.waitForURL("**/admin/");
    await expect(page.getByRole("heading", { name: "Overview" })).toBeVisible();
    await page.goto(`${klapka.url}/`);
    await live(page);
    await expect(page.getByText("Nobody else is here yet")).toBeVisible();
    await page.goto(link);
    await page.getByLabel("Last name").fill("Mallory");
    await page.getByLabel("E-mail").fill("mallory@example.com");
    await page.getByLabel("Password", { exact: true }).fill("another sentence");
    await page.getByRole("button", { name: "Create the administrator" }).click();
    await expect(page.getByRole("alert")).toBeVisible();
    expect(page.url()).toContain("/setup");
    await context.close();
  } finally {
    await klapka.stop();
  }
});

test("who is not signed in signs in and arrives where they wanted to", async ({
  browser,
  klapka,
}) => {
  const context = await browser.newContext({ baseURL: klapka.url, locale: "en-GB" });
  const page = await context.newPage();
  await page.goto("/history?direction=missed");
  await page.getByLabel("Extension or e-mail").fill("101");
  await page.getByLabel("Password", { exact: true }).fill("wrong");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("alert")).toHaveText("These details do not match any account.");
  await expect(page.getByLabel("Extension or e-mail")).toHaveValue("101");
  await page.getByLabel("Password", { exact: true }).fill("klapka-demo");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "History" })).toBeVisible();
  expect(page.url()).toContain("direction=missed");
  await context.close();
});

test("every text changes with the language, at once and for good", async ({ seat }) => {
  const { page } = await seat("101", { path: "/settings" });
  const pick = async (label: string, language: string) => {
    await page.getByRole("combobox", { name: label }).click();
    await page.getByRole("option", { name: language }).click();
  };
  await pick("Language", "Čeština");
  await expect(page.getByRole("heading", { name: "Nastavení", exact: true })).toBeVisible();
  await expect(page.locator("html")).toHaveAttribute("lang", "cs");
  await page.reload();
  await expect(page.getByRole("link", { name: "Historie" })).toBeVisible();
  await pick("Jazyk", "Deutsch");
  await expect(page.getByRole("heading", { name: "Einstellungen", exact: true })).toBeVisible();
  await page.goto("/admin/people");
  await expect(page.getByRole("heading", { name: "Personen", exact: true })).toBeVisible();
});

test("signing out forgets everything, and a session can be ended from elsewhere", async ({
  seat,
}) => {
  const anna = await seat("101");
  const elsewhere = await seat("101", { at: "high", path: "/settings" });
  const others = elsewhere.page.getByRole("button", { name: "Sign out there" });
  // Sessions of earlier visits count, too.
  while ((await others.count()) > 0) {
    const before = await others.count();
    await others.first().click();
    await expect(others).toHaveCount(before - 1);
  }
  await expect(anna.page.getByRole("heading", { name: "Sign in" })).toBeVisible();
  await elsewhere.page.getByRole("button", { name: /account/ }).click();
  await elsewhere.page.getByRole("menuitem", { name: "Sign out" }).click();
  await expect(elsewhere.page.getByRole("heading", { name: "Sign in" })).toBeVisible();
  await expect(elsewhere.page.getByText("Huber")).toHaveCount(0);
  await elsewhere.page.goto("/history");
  await expect(elsewhere.page.getByRole("heading", { name: "Sign in" })).toBeVisible();
});

test("the first screen weighs no more than 250 kB on the wire", async ({ browser, klapka }) => {
  // Browsers take the best compression over HTTPS only.
  const baseURL = klapka.secureUrl;
  const context = await browser.newContext({ baseURL, ignoreHTTPSErrors: true });
  const answer = await context.request.post("/api/session", {
    data: { login: "101", password: "klapka-demo" },
  });
  expect(answer.ok()).toBe(true);
  const page = await context.newPage();
  const devtools = await context.newCDPSession(page);
  await devtools.send("Network.enable");
  let total = 0;
  devtools.on("Network.loadingFinished", (e) => (total += e.encodedDataLength));
  await page.goto("/");
  await page.getByText("Pavel Novák").waitFor();
  await page.waitForLoadState("networkidle");
  await test.info().attach("kB", { body: (total / 1024).toFixed(0) });
  expect(total).toBeGreaterThan(100 * 1024); // else something was not counted
  expect(total).toBeLessThan(250 * 1024);
  await context.close();
});

test("at 360 px a call is dialled, answered, held and ended", async ({ seat }) => {
  const narrow = { width: 360, height: 700 };
  const anna = await seat("101", narrow);
  const pavel = await seat("102", { at: "high", ...narrow });
  await anna.page.getByRole("link", { name: "Dial pad" }).click();
  for (const key of ["1", "0", "2"]) {
    await anna.page.getByRole("main").getByRole("button", { name: key, exact: true }).click();
  }
  await anna.page.getByRole("main").getByRole("button", { name: "Call", exact: true }).click();
  await pavel.answer();
  await anna.page.getByRole("button", { name: "Hold" }).click();
  await expect(pavel.card()).toContainText("You are on hold");
  for (const { page } of [anna, pavel]) {
    const excess = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    expect(excess).toBe(0);
    await expect(page.getByRole("button", { name: "Hang up" })).toBeInViewport({ ratio: 1 });
  }
  await pavel.hangUp();
  await expect(anna.card()).toHaveCount(0);
});
