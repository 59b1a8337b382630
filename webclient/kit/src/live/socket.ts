import type { Down, Numbered, Up } from "./frames.ts";
import { reduce, reduceLocal, type LiveStore } from "./store.ts";

/** What a socket needs of its surroundings; a test hands in its own. */
export interface SocketOptions {
  url: string;
  clientId: string;
  tabId: string;
  store: LiveStore;
  /** Told of every frame, after the store. */
  onFrame?: (frame: Down) => void;
  /**
   * Told each time a line is open, first time or again; moved says that the one
   * before was given up because the network had changed.
   */
  onOpen?: (moved: boolean) => void;
  /** Whether every moment without a connection counts, as in a call. */
  urgent?: () => boolean;
  connect?: (url: string) => WebSocket;
  random?: () => number;
}

/** Back-off bounds in milliseconds. */
const first = 300;
const longest = 5_000;
const longestInCall = 500;

/** How long an echo may take before a doubted line is given up. */
const echoWithin = 300;

/** The exchange pings every 10 s; silence for longer than this is a dead line. */
const silence = 25_000;

/**
 * One connection to the exchange that mends itself: it resumes after the last
 * event seen, waits longer after each failure, and tries at once when the
 * network or the page comes back.
 */
export class LiveSocket {
  readonly #options: SocketOptions;
  #socket: WebSocket | null = null;
  #failures = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #watchdog: ReturnType<typeof setTimeout> | undefined;
  #doubt: ReturnType<typeof setTimeout> | undefined;
  #stopped = true;
  #moved = false;

  constructor(options: SocketOptions) {
    this.#options = options;
  }

  /** Opens the connection and keeps it until stop. */
  start(): void {
    if (!this.#stopped) return;
    this.#stopped = false;
    addEventListener("online", this.#renew);
    document.addEventListener("visibilitychange", this.#hurry);
    this.#open();
  }

  /** Closes the connection for good. */
  stop(): void {
    this.#stopped = true;
    removeEventListener("online", this.#renew);
    document.removeEventListener("visibilitychange", this.#hurry);
    clearTimeout(this.#retry);
    this.#drop();
  }

  /** Sends a frame; false says that there is no connection to send it on. */
  send(frame: Up): boolean {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  /**
   * Finds out whether the line still leads to the exchange, and takes a new one
   * if it does not: after a change of network the old one stays silent for long.
   */
  doubt(): void {
    if (this.#doubt !== undefined) return;
    if (!this.send({ t: "echo" })) {
      this.#hurry();
      return;
    }
    this.#doubt = setTimeout(this.#renew, echoWithin);
  }

  #open(): void {
    clearTimeout(this.#retry);
    const socket = (this.#options.connect ?? ((url) => new WebSocket(url)))(this.#options.url);
    this.#socket = socket;
    socket.onopen = () => this.#hello();
    socket.onmessage = (message: MessageEvent<string>) => this.#receive(message.data);
    socket.onclose = () => this.#lost();
    this.#listen();
  }

  #hello(): void {
    const { clientId, tabId, store } = this.#options;
    // What rings here is said anew to each connection.
    store.setState({ rings: {}, detached: {} });
    const { epoch, seq } = store.getState();
    const resume = epoch > 0 ? { epoch, seq } : null;
    this.send({ t: "hello", client_id: clientId, tab_id: tabId, resume });
    store.setState({ connection: "online" });
    this.#options.onOpen?.(this.#moved);
    this.#moved = false;
  }

  #receive(data: string): void {
    this.#listen();
    this.#believe();
    // Only a word from the other side proves a connection worth hurrying for.
    this.#failures = 0;
    const frame = JSON.parse(data) as Down;
    const { store } = this.#options;
    if ("seq" in frame) store.setState((state) => reduce(state, frame), true);
    else this.#receiveLocal(frame);
    this.#options.onFrame?.(frame);
  }

  #receiveLocal(frame: Exclude<Down, Numbered>): void {
    const { store } = this.#options;
    switch (frame.t) {
      case "ping":
        this.send({ t: "pong" });
        return;
      case "ring":
      case "ring.stop":
      case "leg.changed":
      case "call.quality":
        store.setState((state) => reduceLocal(state, frame), true);
        return;
      case "bye":
        if (frame.reason !== "signed_out") return;
        this.stop();
        store.setState({ connection: "signed_out" });
    }
  }

  /** Restarts the wait for the next sign of life. */
  #listen(): void {
    clearTimeout(this.#watchdog);
    this.#watchdog = setTimeout(() => {
      this.#drop();
      this.#lost();
    }, silence);
  }

  #believe(): void {
    clearTimeout(this.#doubt);
    this.#doubt = undefined;
  }

  /** Lets go of the present connection without being told of its end. */
  #drop(): void {
    clearTimeout(this.#watchdog);
    this.#believe();
    const socket = this.#socket;
    this.#socket = null;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  #lost(): void {
    clearTimeout(this.#watchdog);
    this.#believe();
    this.#socket = null;
    if (this.#stopped) return;
    this.#options.store.setState({ connection: "offline" });
    const most = this.#options.urgent?.() ? longestInCall : longest;
    const wait = Math.min(most, first * 2 ** this.#failures);
    this.#failures += 1;
    // Jitter keeps a thousand pages from coming back in the same instant.
    const jitter = 0.75 + (this.#options.random ?? Math.random)() / 2;
    this.#retry = setTimeout(() => this.#open(), wait * jitter);
  }

  /** A line of the network before is of no use in this one. */
  readonly #renew = (): void => {
    if (this.#stopped) return;
    this.#moved = true;
    this.#drop();
    this.#open();
  };

  readonly #hurry = (): void => {
    if (this.#stopped || this.#socket || document.visibilityState === "hidden") return;
    this.#open();
  };
}
