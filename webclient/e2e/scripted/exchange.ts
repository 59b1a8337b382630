import type { Page, WebSocketRoute } from "@playwright/test";
import type { Down, Up } from "../../kit/src/live/frames.ts";
import type { HistoryItem, Me, OwnCall, Person, Session } from "../../kit/src/api/types.ts";

/** The moment the scripted exchange says it is. */
export const now = new Date("2026-05-12T10:24:00+02:00");

const ago = (seconds: number) => new Date(now.getTime() - seconds * 1000).toISOString();

export const me: Me = {
  user: {
    id: "u1",
    name: "Jana Nováková",
    first_name: "Jana",
    last_name: "Nováková",
    email: "jana@example.com",
    role: "administrator",
    language: "en",
  },
  extension: { number: "101", name: "Jana Nováková" },
  csrf: "token",
};

export const people: Person[] = [
  ["101", "Jana Nováková", "free", 0],
  ["102", "Lukas Schäfer", "free", 0],
  ["103", "Petr Dvořák", "talking", 245],
  ["104", "Anna Gruber", "ringing", 4],
  ["105", "Tomáš Svoboda", "offline", 0],
  ["106", "Maria Huber", "held", 71],
  ["107", "Eva Černá", "free", 0],
  ["108", "Reception Vienna", "free", 0],
  ["109", "Workshop", "offline", 0],
  ["110", "Markus Leitner", "talking", 1312],
].map(([number, name, state, since]) => ({
  number: String(number),
  name: String(name),
  user_id: `u${number}`,
  state: state as Person["state"],
  since: ago(Number(since)),
}));

/** A call of the user's, as parts say. */
export function call(parts: Partial<OwnCall> & { tabId?: string | null }): OwnCall {
  const { tabId = null, ...rest } = parts;
  return {
    call: "c1",
    leg: "l1",
    direction: "outgoing",
    state: "talking",
    peer: { number: "102", name: "Lukas Schäfer" },
    started_at: ago(140),
    answered_at: ago(132),
    on_hold: false,
    device: { kind: tabId ? "browser" : "phone", name: "Desk phone", tab_id: tabId },
    ...rest,
  };
}

const peers = {
  lukas: { number: "102", name: "Lukas Schäfer" },
  outside: { number: "+43 1 5551234", name: "" },
  petr: { number: "103", name: "Petr Dvořák" },
};

export const history: HistoryItem[] = [
  item("h1", "incoming", peers.outside, 900, 0, "no_answer"),
  item("h2", "outgoing", peers.lukas, 2_400, 412, "normal"),
  item("h3", "incoming", peers.petr, 7_900, 61, "normal"),
  item("h4", "outgoing", peers.petr, 64_000, 0, "busy"),
  item("h5", "incoming", peers.lukas, 92_000, 1_833, "normal"),
  item("h6", "outgoing", { number: "150", name: "" }, 400_000, 0, "not_in_service"),
];

function item(
  id: string,
  direction: HistoryItem["direction"],
  peer: HistoryItem["peer"],
  before: number,
  talked: number,
  code: HistoryItem["cause"]["code"],
): HistoryItem {
  return {
    call: id,
    direction,
    peer,
    started_at: ago(before),
    answered_at: talked ? ago(before - 8) : null,
    ended_at: ago(before - 8 - talked),
    missed: direction === "incoming" && talked === 0,
    cause: { code },
  };
}

const sessions: Session[] = [
  {
    id: "s1",
    current: true,
    created_at: ago(90_000),
    seen_at: ago(1),
    address: "192.0.2.10",
    user_agent: "Mozilla/5.0 (X11; Linux x86_64) Chrome/156.0 Safari/537.36",
  },
  {
    id: "s2",
    current: false,
    created_at: ago(300_000),
    seen_at: ago(80_000),
    address: "198.51.100.4",
    user_agent: "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0) Safari/605.1.15",
  },
];

/** What a scripted exchange was asked, and a way to make it speak. */
export interface Exchange {
  requests: { method: string; path: string; body: unknown; headers: Record<string, string> }[];
  frames: Up[];
  say: (frame: Down) => void;
  /** Ends the socket as a broken network would. */
  cut: () => Promise<void>;
}

/** How a scripted exchange begins. */
export interface Script {
  signedIn?: boolean;
  calls?: OwnCall[];
  answers?: Record<string, { status?: number; body: unknown }>;
}

/** Puts a scripted exchange in place of the real one for this page. */
export async function scriptExchange(page: Page, script: Script = {}): Promise<Exchange> {
  let socket: WebSocketRoute | undefined;
  let signedIn = script.signedIn ?? true;
  const exchange: Exchange = {
    requests: [],
    frames: [],
    say: (frame) => socket?.send(JSON.stringify(frame)),
    cut: async () => socket?.close({ code: 1011 }),
  };
  const answers: NonNullable<Script["answers"]> = {
    "GET /api/me": { body: me },
    "GET /api/me/sessions": { body: sessions },
    "GET /api/calls/history": { body: { items: history, next: "older" } },
    ...script.answers,
  };
  await page.route("**/api/**", async (route) => {
    const request = route.request();
    const path = new URL(request.url()).pathname;
    const key = `${request.method()} ${path}`;
    exchange.requests.push({
      method: request.method(),
      path,
      body: request.postDataJSON() as unknown,
      headers: request.headers(),
    });
    if (key === "POST /api/session" && !answers[key]) signedIn = true;
    if (path === "/api/me" && !signedIn) {
      await route.fulfill({ status: 401, contentType: "application/problem+json", body: "{}" });
      return;
    }
    const answer = answers[key] ?? { body: {} };
    await route.fulfill({
      status: answer.status ?? 200,
      contentType: (answer.status ?? 200) < 400 ? "application/json" : "application/problem+json",
      body: JSON.stringify(answer.body),
    });
  });
  await page.routeWebSocket("**/api/socket", (ws) => {
    socket = ws;
    ws.onMessage((data) => {
      const frame = JSON.parse(String(data)) as Up;
      exchange.frames.push(frame);
      if (frame.t !== "hello") return;
      const { user, extension } = me;
      const calls = (script.calls ?? []).map((c) =>
        c.device.tab_id === "here" ? { ...c, device: { ...c.device, tab_id: frame.tab_id } } : c,
      );
      exchange.say({ t: "snapshot", epoch: 1, seq: 10, me: { user, extension }, people, calls });
    });
  });
  return exchange;
}
