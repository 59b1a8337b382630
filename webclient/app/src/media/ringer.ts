import type { Live, LiveStore } from "@klapka/kit/live";
import { isWaiting } from "../calls/order.ts";
import type { OwnCall } from "@klapka/kit/api";
import { routeTo, type DeviceStore } from "./devices.ts";

/** The ring: two tones for one second, three seconds of silence. */
const tones = [440, 554];
const ringMs = 1000;
const cycleMs = 4000;

/** What the ringer needs of its surroundings. */
export interface RingerOptions {
  live: LiveStore;
  devices: DeviceStore;
  /** The words of a notice that somebody calls. */
  words: (call: OwnCall) => { title: string; body: string };
}

/**
 * Makes incoming calls heard and seen: in one tab of the browser only, elected
 * by a Web Lock, so that ten open tabs ring once.
 */
export class Ringer {
  readonly #options: RingerOptions;
  readonly #release = new AbortController();
  #context: AudioContext | null = null;
  #timer: ReturnType<typeof setInterval> | undefined;
  #notices = new Map<string, Notification>();

  constructor(options: RingerOptions) {
    this.#options = options;
  }

  /** Waits for the election and rings from then on, until stop. */
  start(): void {
    const elected = () =>
      new Promise<void>((done) => {
        const unsubscribe = this.#options.live.subscribe((state) => this.#follow(state));
        this.#follow(this.#options.live.getState());
        this.#release.signal.addEventListener("abort", () => {
          unsubscribe();
          this.#follow({ calls: {}, rings: {} });
          done();
        });
      });
    if (!("locks" in navigator)) {
      void elected();
      return;
    }
    navigator.locks
      .request("klapka.ringer", { signal: this.#release.signal }, elected)
      .catch(() => undefined); // stopped before it was elected
  }

  /** Falls silent and lets another tab be elected. */
  stop(): void {
    this.#release.abort();
    void this.#context?.close();
  }

  #follow({ calls, rings }: Pick<Live, "calls" | "rings">): void {
    const own = Object.values(calls);
    // What rings on a desk phone alone makes itself heard there.
    const waiting = own.filter((c) => c.leg in rings && isWaiting(c));
    const busy = own.some((c) => c.state === "talking" || c.state === "dialling");
    this.#sound(waiting.length > 0 && !busy);
    this.#notify(waiting);
  }

  #sound(wanted: boolean): void {
    if (wanted === (this.#timer !== undefined)) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    if (!wanted) {
      // A context that is only suspended would finish this ring within the next one.
      void this.#context?.close();
      this.#context = null;
      return;
    }
    void this.#ring();
    this.#timer = setInterval(() => void this.#ring(), cycleMs);
  }

  async #ring(): Promise<void> {
    const { ringer, ringVolume } = this.#options.devices.getState();
    this.#context ??= new AudioContext();
    const context = this.#context;
    await routeTo(context, ringer);
    // Refused when the call was answered meanwhile.
    await context.resume().catch(() => undefined);
    if (context !== this.#context) return;
    const gain = context.createGain();
    gain.connect(context.destination);
    const now = context.currentTime;
    const end = now + ringMs / 1000;
    gain.gain.setValueAtTime(0, now);
    gain.gain.linearRampToValueAtTime(ringVolume * 0.35, now + 0.03);
    gain.gain.setValueAtTime(ringVolume * 0.35, end - 0.05);
    gain.gain.linearRampToValueAtTime(0, end);
    for (const frequency of tones) {
      const tone = new OscillatorNode(context, { frequency, type: "sine" });
      tone.connect(gain);
      tone.start(now);
      tone.stop(end);
    }
  }

  #notify(waiting: OwnCall[]): void {
    for (const [leg, notice] of this.#notices) {
      if (waiting.some((c) => c.leg === leg)) continue;
      notice.close();
      this.#notices.delete(leg);
    }
    if (!("Notification" in globalThis) || Notification.permission !== "granted") return;
    for (const call of waiting) {
      if (this.#notices.has(call.leg) || document.visibilityState === "visible") continue;
      const { title, body } = this.#options.words(call);
      const notice = new Notification(title, { body, tag: call.leg, icon: "/favicon.svg" });
      notice.onclick = () => window.focus();
      this.#notices.set(call.leg, notice);
    }
  }
}
