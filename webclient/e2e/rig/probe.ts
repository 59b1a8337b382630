import type { BrowserContext, Page } from "@playwright/test";
import { mkdirSync } from "node:fs";
import { randomUUID } from "node:crypto";
import { resolve } from "node:path";
import { scratch } from "./places.ts";
import { strength, writeWav } from "./sound.ts";

/** What the page can be asked through window.probe. */
interface Probe {
  /** Everything heard since start, as base64 of 16-bit samples. */
  start(): void;
  take(): { rate: number; samples: string };
  /** Whether a tone sounds now, which is the ring. */
  rings(): boolean;
  /** When something was first heard since start, by performance.now; 0: not yet. */
  firstSound(): number;
  /** For who measures from a click. */
  clicked: number;
  peers: RTCPeerConnection[];
  sockets: WebSocket[];
}

declare global {
  interface Window {
    probe: Probe;
  }
}

/**
 * Puts ears into every page of a context: what comes out of the peer connection
 * is kept as the loudspeaker gets it, and who rings is counted. The microphone
 * is opened without the processing that would take a pure tone for noise.
 */
export async function addProbe(context: BrowserContext): Promise<void> {
  await context.addInitScript(install);
}

/** Runs in the page before anything else. */
function install(): void {
  interface Sound {
    numberOfFrames: number;
    sampleRate: number;
    copyTo(to: Int16Array, how: { planeIndex: number; format: string }): void;
    close(): void;
  }
  const heard = { on: false, rate: 48_000, first: 0, chunks: [] as Int16Array[] };
  const sounding = new Set<OscillatorNode>();
  const probe: Probe = {
    rings: () => [...sounding].some((tone) => tone.context.state === "running"),
    firstSound: () => heard.first,
    clicked: 0,
    peers: [],
    sockets: [],
    start() {
      heard.chunks = [];
      heard.first = 0;
      heard.on = true;
    },
    take() {
      heard.on = false;
      let binary = "";
      for (const chunk of heard.chunks) {
        const bytes = new Uint8Array(chunk.buffer);
        binary += String.fromCharCode(...bytes);
      }
      return { rate: heard.rate, samples: btoa(binary) };
    },
  };
  window.probe = probe;

  async function follow(track: MediaStreamTrack): Promise<void> {
    // The processor is not in TypeScript's library yet.
    const { MediaStreamTrackProcessor } = window as unknown as {
      MediaStreamTrackProcessor: new (o: object) => { readable: ReadableStream<Sound> };
    };
    const reader = new MediaStreamTrackProcessor({
      track,
      maxBufferSize: 1000,
    }).readable.getReader();
    for (;;) {
      const { value: sound, done } = await reader.read();
      if (done) return;
      if (heard.on) {
        const samples = new Int16Array(sound.numberOfFrames);
        sound.copyTo(samples, { planeIndex: 0, format: "s16-planar" });
        heard.rate = sound.sampleRate;
        if (!heard.first && samples.some((s) => Math.abs(s) > 1000)) {
          heard.first = performance.now();
        }
        heard.chunks.push(samples);
      }
      sound.close();
    }
  }

  window.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(configuration?: RTCConfiguration) {
      super(configuration);
      probe.peers.push(this);
      this.addEventListener("track", ({ track }) => void follow(track));
    }
  };
  window.WebSocket = class extends WebSocket {
    constructor(url: string | URL, protocols?: string | string[]) {
      super(url, protocols);
      probe.sockets.push(this);
    }
  };
  window.OscillatorNode = class extends OscillatorNode {
    override start(when?: number): void {
      sounding.add(this);
      this.addEventListener("ended", () => sounding.delete(this));
      super.start(when);
    }
  };
  // Absent on insecure origins.
  const devices = navigator.mediaDevices as MediaDevices | undefined;
  const open = devices?.getUserMedia.bind(devices);
  if (devices && open) {
    devices.getUserMedia = (wanted) => {
      const plain = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
      const audio = typeof wanted?.audio === "object" ? wanted.audio : {};
      return open({ ...wanted, audio: { ...audio, ...plain } });
    };
  }
}

/** A stretch of what a page played. */
export interface Recording {
  path: string;
  rate: number;
  samples: Int16Array;
  strength(hz: number): number;
}

/** Records what a page plays for so many seconds. */
export async function record(page: Page, seconds: number): Promise<Recording> {
  await page.evaluate(() => window.probe.start());
  await new Promise((done) => setTimeout(done, seconds * 1000));
  return take(page);
}

/** Ends a recording that page.evaluate(probe.start) began. */
export async function take(page: Page): Promise<Recording> {
  const { rate, samples: text } = await page.evaluate(() => window.probe.take());
  const bytes = Uint8Array.from(Buffer.from(text, "base64"));
  const samples = new Int16Array(bytes.buffer);
  mkdirSync(resolve(scratch, "heard"), { recursive: true });
  const path = resolve(scratch, "heard", `${randomUUID()}.wav`);
  writeWav(path, rate, samples);
  return { path, rate, samples, strength: (hz) => strength(samples, rate, hz) };
}
