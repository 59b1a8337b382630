import {
  expect,
  type Browser,
  type BrowserContext,
  type Locator,
  type Page,
} from "@playwright/test";
import { addProbe, record, type Recording } from "./probe.ts";
import { listen, type Wanted } from "./sound.ts";

/** The password of everybody in the demo. */
export const demoPassword = "klapka-demo";

/** How a seat's browser is set. */
export interface SeatOptions {
  locale?: string;
  colorScheme?: "light" | "dark";
  width?: number;
  height?: number;
  password?: string;
  /** The page that opens first. */
  path?: string;
}

/** Somebody signed in at a browser, with one page or several. */
export class Seat {
  readonly page: Page;
  readonly context: BrowserContext;
  readonly #url: string;

  private constructor(context: BrowserContext, page: Page, url: string) {
    this.context = context;
    this.page = page;
    this.#url = url;
  }

  /** Signs somebody in, in a profile of his own, and opens the client. */
  static async take(
    browser: Browser,
    url: string,
    login: string,
    o: SeatOptions = {},
  ): Promise<Seat> {
    const context = await browser.newContext({
      baseURL: url,
      locale: o.locale ?? "en-GB",
      timezoneId: "Europe/Vienna",
      colorScheme: o.colorScheme ?? "light",
      viewport: { width: o.width ?? 1280, height: o.height ?? 800 },
      permissions: ["microphone"],
      reducedMotion: "reduce",
    });
    await addProbe(context);
    const data = { login, password: o.password ?? demoPassword };
    const answer = await context.request.post(`${url}/api/session`, { data });
    expect(answer.status(), await answer.text()).toBe(204);
    const page = await context.newPage();
    const seat = new Seat(context, page, url);
    await seat.open(page, o.path);
    return seat;
  }

  /** Opens a page of the client, or of the portal, and waits until it is live. */
  async open(page: Page, path = "/"): Promise<void> {
    await page.goto(this.#url + path);
    if (path.startsWith("/admin")) await page.getByRole("heading").first().waitFor();
    else await live(page);
  }

  /** Another tab of the same browser. */
  async tab(path = "/"): Promise<Page> {
    const page = await this.context.newPage();
    await this.open(page, path);
    return page;
  }

  /** Calls a number by typing it. */
  async dial(number: string, page = this.page): Promise<void> {
    await page.keyboard.press("/");
    await page.keyboard.type(number);
    await page.getByRole("option").first().waitFor();
    await page.keyboard.press("Enter");
  }

  /** The one call there is. */
  card(page = this.page): Locator {
    return page.getByRole("article");
  }

  /** Answers the waiting call by its button. */
  async answer(page = this.page): Promise<void> {
    await page.getByRole("button", { name: /^(Answer|Annehmen|Přijmout)$/ }).click();
    await talking(page);
  }

  async hangUp(page = this.page): Promise<void> {
    await page.getByRole("button", { name: /^(Hang up|Cancel)$/ }).click();
    await expect(this.card(page)).toHaveCount(0);
  }

  /** Listens to what the page plays for so many seconds from now. */
  async hears(wanted: Wanted, seconds = 3, page = this.page): Promise<Recording> {
    const recording = await record(page, seconds);
    await listen(recording.path, wanted);
    // What was dropped on the way would be missing here.
    expect(recording.samples.length / recording.rate).toBeGreaterThan(seconds * 0.9);
    return recording;
  }
}

/** Waits until a page of the client is connected, its sound too. */
export async function live(page: Page): Promise<void> {
  await page.locator("[role=status][data-state=online]").waitFor();
  await page.waitForFunction(() =>
    window.probe.peers.some((p) => p.connectionState === "connected"),
  );
}

/** Waits until a call of the page is answered. */
export async function talking(page: Page): Promise<void> {
  await expect(page.getByRole("article").getByRole("timer")).toBeVisible();
}
