import { existsSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { expect, test, type Page } from "@playwright/test";
import { call, people, scriptExchange, type Exchange } from "./exchange.ts";

const waiting = call({
  call: "c2",
  leg: "l2",
  direction: "incoming",
  state: "ringing",
  answered_at: null,
  peer: { number: "104", name: "Anna Gruber" },
  device: { kind: "browser", name: "", tab_id: null },
});

const commands = (exchange: Exchange) =>
  exchange.requests.filter((r) => r.path.startsWith("/api/calls") && r.method === "POST");

async function ready(page: Page, path = "/"): Promise<void> {
  await page.goto(path);
  await page.getByText("Connected").waitFor({ state: "attached" });
}

test("who is not signed in signs in and arrives where they wanted to", async ({ page }) => {
  const exchange = await scriptExchange(page, { signedIn: false });
  await page.goto("/history?direction=missed");
  await page.getByLabel("Extension or e-mail").fill("101");
  await page.getByLabel("Password", { exact: true }).fill("klapka-demo");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "History" })).toBeVisible();
  expect(page.url()).toContain("direction=missed");
  expect(exchange.requests.find((r) => r.path === "/api/session")?.body).toEqual({
    login: "101",
    password: "klapka-demo",
  });
});

test("a wrong password is said in words, and nothing is lost", async ({ page }) => {
  await scriptExchange(page, {
    signedIn: false,
    answers: { "POST /api/session": { status: 401, body: { title: "Unauthorized" } } },
  });
  await page.goto("/sign-in");
  await page.getByLabel("Extension or e-mail").fill("101");
  await page.getByLabel("Password", { exact: true }).fill("wrong");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("alert")).toHaveText("These details do not match any account.");
  await expect(page.getByLabel("Extension or e-mail")).toHaveValue("101");
});

test("a new exchange is set up with the one-time link", async ({ page }) => {
  const exchange = await scriptExchange(page, {
    signedIn: false,
    answers: {
      "POST /api/setup": {
        status: 422,
        body: { errors: [{ location: "body.email", message: "already in use" }] },
      },
    },
  });
  await page.goto("/setup?token=0123");
  await page.getByLabel("First name").fill("Jana");
  await page.getByRole("button", { name: "Create the administrator" }).click();
  await expect(page.getByText("Enter a name.")).toBeVisible();
  expect(exchange.requests.filter((r) => r.path === "/api/setup")).toEqual([]);
  await page.getByLabel("Last name").fill("Nováková");
  await page.getByLabel("E-mail").fill("jana@example.com");
  await page.getByLabel("Password", { exact: true }).fill("a short sentence");
  await page.getByRole("button", { name: "Create the administrator" }).click();
  await expect(page.getByText("already in use")).toBeVisible();
  expect(exchange.requests.find((r) => r.path === "/api/setup")?.body).toEqual({
    token: "0123",
    first_name: "Jana",
    last_name: "Nováková",
    email: "jana@example.com",
    extension: "101",
    password: "a short sentence",
    language: "en",
  });
});

test("type a name without accents, press Enter, and it rings over there", async ({ page }) => {
  const exchange = await scriptExchange(page);
  await ready(page);
  await page.keyboard.press("/");
  await page.keyboard.type("schaef");
  await page.keyboard.press("Enter");
  await expect.poll(() => commands(exchange)).toHaveLength(1);
  const [dial] = commands(exchange);
  expect(dial).toMatchObject({ path: "/api/calls", body: { to: "102" } });
  expect(dial?.headers["x-csrf-token"]).toBe("token");
  const hello = exchange.frames.find((f) => f.t === "hello");
  expect(dial?.headers["x-tab-id"]).toBe(hello?.tab_id);
});

test("a pasted number is dialled as a number", async ({ page }) => {
  const exchange = await scriptExchange(page);
  await ready(page);
  await page.getByLabel("Number", { exact: true }).fill("+43 (0)660 / 123 45 67");
  await page.keyboard.press("Enter");
  await expect.poll(() => commands(exchange)[0]?.body).toEqual({ to: "+436601234567" });
});

test("a call that comes in is answered by Enter, held by H, ended by X", async ({ page }) => {
  const exchange = await scriptExchange(page);
  await ready(page);
  exchange.say({ t: "call.new", seq: 11, call: waiting });
  await expect(page.getByRole("article", { name: "Anna Gruber is calling" })).toBeVisible();
  await page.keyboard.press("Enter");
  await expect.poll(() => commands(exchange).map((r) => r.path)).toEqual(["/api/calls/l2/answer"]);
  const hello = exchange.frames.find((f) => f.t === "hello");
  const talking = call({ ...waiting, state: "talking", answered_at: waiting.started_at });
  talking.device.tab_id = hello?.tab_id ?? null;
  exchange.say({ t: "call.changed", seq: 12, call: talking });
  await expect(page.getByRole("article", { name: "Call with Anna Gruber" })).toBeVisible();
  await page.keyboard.press("m");
  await expect(page.getByRole("button", { name: "Unmute" })).toHaveAttribute(
    "aria-pressed",
    "true",
  );
  await page.keyboard.press("h");
  await page.keyboard.press("x");
  await expect
    .poll(() => commands(exchange).map((r) => r.path))
    .toEqual(["/api/calls/l2/answer", "/api/calls/l2/hold", "/api/calls/l2/hangup"]);
});

test("Escape declines", async ({ page }) => {
  const exchange = await scriptExchange(page, { calls: [waiting] });
  await ready(page);
  await page.keyboard.press("Escape");
  await expect.poll(() => commands(exchange).map((r) => r.path)).toEqual(["/api/calls/l2/reject"]);
});

test("keys typed into a field are letters, not commands", async ({ page }) => {
  const exchange = await scriptExchange(page, { calls: [call({ tabId: "here" })] });
  await ready(page);
  await page.getByPlaceholder("Filter the list").fill("");
  await page.keyboard.type("mhx");
  await expect(page.getByText("Nobody matches")).toBeVisible();
  expect(commands(exchange)).toEqual([]);
});

test("digits go out one by one as they are pressed", async ({ page }) => {
  const exchange = await scriptExchange(page, { calls: [call({ tabId: "here" })] });
  await ready(page);
  const card = page.getByRole("article", { name: "Call with Lukas Schäfer" });
  await card.getByRole("button", { name: "Keypad" }).click();
  for (const key of ["1", "*", "#"])
    await card.getByRole("button", { name: key, exact: true }).click();
  await expect
    .poll(() => commands(exchange).map((r) => r.body))
    .toEqual([{ digits: "1" }, { digits: "*" }, { digits: "#" }]);
});

test("why a call came to nothing stays readable", async ({ page }) => {
  const exchange = await scriptExchange(page, {
    calls: [call({ answered_at: null, state: "dialling" })],
  });
  await ready(page);
  exchange.say({ t: "call.ended", seq: 11, leg: "l1", cause: { code: "busy" } });
  await expect(page.getByText("Busy", { exact: true })).toBeVisible();
});

test("a person's line changes in place, and a lost network is admitted", async ({ page }) => {
  const exchange = await scriptExchange(page);
  await ready(page);
  const row = page.getByRole("listitem").filter({ hasText: "Lukas Schäfer" });
  await expect(row).toContainText("Free");
  const lukas = people.find((p) => p.number === "102");
  if (!lukas) throw new Error("nobody has 102");
  exchange.say({ t: "person.changed", seq: 11, person: { ...lukas, state: "ringing" } });
  await expect(row).toContainText("Ringing");
  await exchange.cut();
  await expect(page.getByText("Reconnecting")).toBeVisible();
  await expect(page.getByText("Connected")).toBeAttached();
  expect(exchange.frames.findLast((f) => f.t === "hello")).toMatchObject({
    resume: { epoch: 1, seq: 11 },
  });
});

test("one media session is offered at once, before any call", async ({ page }) => {
  const exchange = await scriptExchange(page);
  await ready(page);
  await expect.poll(() => exchange.frames.filter((f) => f.t === "media.offer")).toHaveLength(1);
  const offer = exchange.frames.find((f) => f.t === "media.offer");
  expect(offer).toMatchObject({ why: "new" });
  expect(offer?.sdp).toMatch(/PCMA\/8000/);
  expect(offer?.sdp).toMatch(/telephone-event\/8000/);
});

test("every text changes with the language, at once and for good", async ({ page }) => {
  await scriptExchange(page);
  await ready(page, "/settings");
  await page.getByRole("combobox", { name: "Language" }).click();
  await page.getByRole("option", { name: "Čeština" }).click();
  await expect(page.getByRole("heading", { name: "Nastavení", exact: true })).toBeVisible();
  await expect(page.locator("html")).toHaveAttribute("lang", "cs");
  await page.reload();
  await expect(page.getByRole("link", { name: "Historie" })).toBeVisible();
});

test("signing out forgets everything", async ({ page }) => {
  const exchange = await scriptExchange(page, { calls: [waiting] });
  await ready(page);
  await page.getByRole("button", { name: /account/ }).click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await expect(page.getByRole("heading", { name: "Sign in" })).toBeVisible();
  expect(exchange.requests.some((r) => r.method === "DELETE" && r.path === "/api/session")).toBe(
    true,
  );
  await expect(page.getByRole("article")).toHaveCount(0);
});

test("the first screen weighs no more than 250 kB", async ({ page }) => {
  await scriptExchange(page);
  const loaded = new Set<string>();
  page.on("response", (r) => loaded.add(new URL(r.url()).pathname));
  await ready(page);
  await page.waitForLoadState("networkidle");
  const sizes = Array.from(loaded, (path) => storedSize(path === "/" ? "/index.html" : path));
  const total = sizes.reduce((sum, size) => sum + size);
  expect(total).toBeGreaterThan(100 * 1024); // else something was not counted
  expect(total).toBeLessThan(250 * 1024);
});

/** What the exchange sends for a built file: its smallest stored variant. */
function storedSize(path: string): number {
  const stored = [".br", ""]
    .map((suffix) => resolve(import.meta.dirname, `../../dist${path}${suffix}`))
    .find((file) => existsSync(file));
  return stored ? statSync(stored).size : 0;
}
