import { expect, test } from "@playwright/test";
import { me, scriptExchange } from "./exchange.ts";
import { furnished, portal } from "./portal.ts";

test("a new phone's secret is shown once, with a code to scan", async ({ page }) => {
  const exchange = await scriptExchange(page, furnished);
  await page.goto(`${portal}/devices`);
  await page.getByRole("button", { name: "Add a phone" }).click();
  await page.getByRole("combobox", { name: "Extension" }).click();
  await page.getByRole("option", { name: /^102/ }).click();
  await page.getByLabel("Name").fill("Desk");
  await page.getByRole("button", { name: "Save" }).click();
  const dialog = page.getByRole("dialog", { name: "Account for the phone" });
  await expect(dialog.getByText("mountain-otter-39-lamp")).toBeVisible();
  await expect(dialog.getByRole("img", { name: /QR code/ })).toBeVisible();
  expect(exchange.requests.find((r) => r.method === "POST")?.body).toEqual({
    extension: "102",
    name: "Desk",
    disabled: false,
  });
  await dialog.getByRole("button", { name: "I have entered it" }).click();
  await expect(page.getByText("mountain-otter-39-lamp")).toHaveCount(0);
});

test("what is in use is not deleted, and the reason is read", async ({ page }) => {
  await scriptExchange(page, furnished);
  await page.goto(`${portal}/extensions`);
  await page.getByRole("button", { name: "Actions for 102" }).click();
  await page.getByRole("menuitem", { name: "Delete" }).click();
  const dialog = page.getByRole("dialog", { name: "Extension 102" });
  await dialog.getByRole("button", { name: "Delete" }).click();
  await expect(dialog.getByRole("alert")).toHaveText(
    "Two phones still ring for 102. Delete or move them first.",
  );
});

test("a fault in a field is shown at the field", async ({ page }) => {
  await scriptExchange(page, {
    answers: {
      ...furnished.answers,
      "POST /api/admin/people": {
        status: 422,
        body: { errors: [{ location: "body.email", message: "is taken" }] },
      },
    },
  });
  await page.goto(`${portal}/people`);
  await page.getByRole("button", { name: "Add a person" }).click();
  await page.getByLabel("Last name").fill("Huber");
  await page.getByRole("button", { name: "Save" }).click();
  const email = page.getByRole("textbox", { name: "E-mail" });
  await expect(email).toHaveAttribute("aria-invalid", "true");
  await expect(page.getByText("is taken")).toBeVisible();
});

test("filters of the records stand in the address and come back from it", async ({ page }) => {
  const exchange = await scriptExchange(page, furnished);
  await page.goto(`${portal}/records?cause=busy&since=2026-05-01`);
  await expect(page.getByLabel("From day")).toHaveValue("2026-05-01");
  await page.getByLabel("Name or number").fill("hofer");
  await expect(page).toHaveURL(/search=hofer/);
  expect(page.url()).toContain("cause=busy");
  const asked = page.waitForRequest((r) => r.url().includes("/api/admin/records"));
  await page.getByLabel("To day").fill("2026-05-12");
  const query = new URL((await asked).url()).searchParams;
  // The whole of the twelfth in Vienna, which is two hours ahead.
  expect(Object.fromEntries(query)).toEqual({
    cause: "busy",
    search: "hofer",
    since: "2026-04-30T22:00:00.000Z",
    until: "2026-05-12T22:00:00.000Z",
  });
  await page.getByRole("button", { name: "Clear the filters" }).click();
  await expect(page).toHaveURL(/\/records$/);
  await expect(page.getByLabel("Name or number")).toHaveValue("");
  expect(exchange.requests.length).toBeGreaterThan(0);
});

test("why it did not ring: the decisions alone, then a message in full", async ({ page }) => {
  await scriptExchange(page, furnished);
  await page.goto(`${portal}/trace`);
  await page.getByRole("link", { name: "Why?" }).first().click();
  await page.getByText("Decisions", { exact: true }).click();
  await expect(page.getByText("103-2 was not rung: it is not registered")).toBeVisible();
  await expect(page.getByText("INVITE")).toHaveCount(0);
  await page.getByText("Messages", { exact: true }).click();
  await page.getByRole("button", { name: /407/ }).click();
  await expect(page.getByText("Via: SIP/2.0/UDP 192.0.2.20:5060")).toBeVisible();
});

test("the trace can be sent to somebody", async ({ page }) => {
  await scriptExchange(page, furnished);
  await page.goto(`${portal}/trace/r1`);
  const link = page.getByRole("link", { name: "Download" });
  await expect(link).toHaveAttribute("href", "/api/admin/trace/r1/text");
});

test("who is not signed in is sent to sign in and back", async ({ page }) => {
  await scriptExchange(page, { signedIn: false });
  await page.goto(`${portal}/people`);
  await page.waitForURL("**/sign-in?next=%2Fadmin%2Fpeople");
});

// Y-06: who is no administrator finds no way in, and is told so at the address.
test("others are told that this is not for them", async ({ page }) => {
  await scriptExchange(page, {
    answers: {
      ...furnished.answers,
      "GET /api/me": { body: { ...me, user: { ...me.user, role: "supervisor" } } },
    },
  });
  await page.goto(`${portal}/`);
  await expect(page.getByRole("heading", { name: "This is for administrators" })).toBeVisible();
  await expect(page.getByRole("navigation")).toHaveCount(0);
});
