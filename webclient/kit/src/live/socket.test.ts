import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Down, Up } from "./frames.ts";
import { identify } from "./identity.ts";
import { LiveSocket } from "./socket.ts";
import { createLiveStore } from "./store.ts";

/** A connection whose other end is the test. */
class FakeSocket {
  readyState: number = WebSocket.CONNECTING;
  onopen: (() => void) | null = null;
  onmessage: ((message: { data: string }) => void) | null = null;
  onclose: (() => void) | null = null;
  readonly sent: Up[] = [];

  send(data: string): void {
    this.sent.push(JSON.parse(data) as Up);
  }

  close(): void {
    this.readyState = WebSocket.CLOSED;
  }

  accept(): void {
    this.readyState = WebSocket.OPEN;
    this.onopen?.();
  }

  say(frame: Down): void {
    this.onmessage?.({ data: JSON.stringify(frame) });
  }

  fail(): void {
    this.readyState = WebSocket.CLOSED;
    this.onclose?.();
  }
}

const user = {
  id: "u1",
  name: "",
  first_name: "",
  last_name: "",
  email: "",
  role: "user",
  language: "en",
} as const;
const snapshot: Down = {
  t: "snapshot",
  epoch: 2,
  seq: 5,
  me: { user, extension: null },
  people: [],
  calls: [],
};

let sockets: FakeSocket[];
let store: ReturnType<typeof createLiveStore>;
let live: LiveSocket;
let urgent: boolean;
let opened: boolean[];

function latest(): FakeSocket {
  const socket = sockets.at(-1);
  if (!socket) throw new Error("nothing was opened");
  return socket;
}

beforeEach(() => {
  vi.useFakeTimers();
  sockets = [];
  urgent = false;
  opened = [];
  store = createLiveStore();
  live = new LiveSocket({
    url: "ws://exchange.test/api/socket",
    clientId: "b1",
    tabId: "t1",
    store,
    random: () => 0.5,
    urgent: () => urgent,
    onOpen: (moved) => opened.push(moved),
    connect: () => {
      const socket = new FakeSocket();
      sockets.push(socket);
      return socket as unknown as WebSocket;
    },
  });
  live.start();
});

afterEach(() => {
  live.stop();
  vi.useRealTimers();
});

test("the first greeting asks for everything, later ones for what was missed", () => {
  latest().accept();
  expect(latest().sent).toEqual([{ t: "hello", client_id: "b1", tab_id: "t1", resume: null }]);
  latest().say(snapshot);
  latest().say({ t: "registration.changed", seq: 6, extension: "101" });
  latest().fail();
  expect(store.getState().connection).toBe("offline");
  vi.advanceTimersByTime(300);
  latest().accept();
  expect(latest().sent[0]).toMatchObject({ resume: { epoch: 2, seq: 6 } });
  expect(store.getState().connection).toBe("online");
});

test("each failure waits longer, up to five seconds", () => {
  for (const wait of [300, 600, 1200, 2400, 4800, 5000, 5000]) {
    latest().fail();
    const tries = sockets.length;
    vi.advanceTimersByTime(wait - 1);
    expect(sockets).toHaveLength(tries);
    vi.advanceTimersByTime(1);
    expect(sockets).toHaveLength(tries + 1);
  }
});

test("an exchange that accepts and drops at once is not hammered", () => {
  for (let i = 0; i < 6; i++) {
    latest().accept();
    latest().fail();
    vi.advanceTimersByTime(5000);
  }
  latest().accept();
  latest().fail();
  const tries = sockets.length;
  vi.advanceTimersByTime(4000);
  expect(sockets).toHaveLength(tries);
});

test("a network that comes back is used at once", () => {
  for (let i = 0; i < 6; i++) {
    latest().fail();
    vi.advanceTimersByTime(5000);
  }
  latest().fail();
  const tries = sockets.length;
  dispatchEvent(new Event("online"));
  expect(sockets).toHaveLength(tries + 1);
});

test("a change of network gets a new line at once, even over one that seems open", () => {
  latest().accept();
  latest().say(snapshot);
  const tries = sockets.length;
  dispatchEvent(new Event("online"));
  expect(sockets).toHaveLength(tries + 1);
});

test("a doubted line is kept when it answers, and replaced when it does not", () => {
  latest().accept();
  latest().say(snapshot);
  live.doubt();
  expect(latest().sent.at(-1)).toEqual({ t: "echo" });
  latest().say({ t: "echo" });
  const tries = sockets.length;
  vi.advanceTimersByTime(1000);
  expect(sockets).toHaveLength(tries);
  live.doubt();
  vi.advanceTimersByTime(300);
  expect(sockets).toHaveLength(tries + 1);
  latest().accept();
  latest().fail();
  vi.advanceTimersByTime(300);
  latest().accept();
  // The first time, over a change of network, and after a mere failure.
  expect(opened).toEqual([false, true, false]);
});

test("in a call nobody waits long for the next attempt", () => {
  urgent = true;
  for (const wait of [300, 500, 500, 500]) {
    latest().fail();
    const tries = sockets.length;
    vi.advanceTimersByTime(wait);
    expect(sockets).toHaveLength(tries + 1);
  }
});

test("a line that fell silent is given up", () => {
  latest().accept();
  latest().say(snapshot);
  vi.advanceTimersByTime(20_000);
  latest().say({ t: "ping" });
  expect(latest().sent.at(-1)).toEqual({ t: "pong" });
  vi.advanceTimersByTime(24_999);
  expect(store.getState().connection).toBe("online");
  vi.advanceTimersByTime(1);
  expect(store.getState().connection).toBe("offline");
});

test("who was signed out does not come back by itself", () => {
  latest().accept();
  latest().say({ t: "bye", reason: "signed_out" });
  vi.advanceTimersByTime(60_000);
  expect(sockets).toHaveLength(1);
  expect(store.getState().connection).toBe("signed_out");
});

test("nothing is sent into the void", () => {
  expect(live.send({ t: "pong" })).toBe(false);
});

test("a browser keeps its id, a tab keeps its own over a reload", async () => {
  localStorage.clear();
  sessionStorage.clear();
  const free = () => Promise.resolve(false);
  const one = await identify(localStorage, sessionStorage, free);
  expect(await identify(localStorage, sessionStorage, free)).toEqual(one);
  sessionStorage.clear(); // another tab
  const two = await identify(localStorage, sessionStorage, free);
  expect(two.clientId).toBe(one.clientId);
  expect(two.tabId).not.toBe(one.tabId);
});

test("a duplicated tab is somebody else", async () => {
  const one = await identify(localStorage, sessionStorage, () => Promise.resolve(false));
  const copy = await identify(localStorage, sessionStorage, (id) =>
    Promise.resolve(id === one.tabId),
  );
  expect(copy.clientId).toBe(one.clientId);
  expect(copy.tabId).not.toBe(one.tabId);
});

test("which calls ring here is said anew to each connection", () => {
  latest().accept();
  latest().say(snapshot);
  latest().say({ t: "ring", leg: "l1", call: "c1", from: { number: "102", name: "" } });
  latest().say({
    t: "leg.changed",
    leg: "l2",
    call: "c2",
    state: "up",
    active: false,
    detached: true,
    tab: "t9",
  });
  expect(store.getState()).toMatchObject({ rings: { l1: true }, detached: { l2: true } });
  latest().say({
    t: "leg.changed",
    leg: "l2",
    call: "c2",
    state: "up",
    active: true,
    detached: false,
    tab: "t1",
  });
  latest().say({ t: "ring.stop", leg: "l1", reason: "answered_elsewhere", by: "t9" });
  expect(store.getState()).toMatchObject({ rings: {}, detached: {} });
  latest().say({ t: "ring", leg: "l3", call: "c3", from: { number: "102", name: "" } });
  latest().fail();
  vi.advanceTimersByTime(300);
  latest().accept();
  expect(store.getState().rings).toEqual({});
});
