import type { Page } from "@playwright/test";
import { readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { pause, scratch } from "./rig/places.ts";
import { talking, type Seat } from "./rig/seat.ts";
import { expect, test, tones } from "./rig/test.ts";

/** Rows of the table that .ci/bench takes into docs/benchmarks.md. */
const rows: [what: string, figure: string][] = [];

test.describe.configure({ mode: "serial", timeout: 240_000 });

test.afterAll(() => {
  const lines = ["| measured | figure |", "|---|---|", ...rows.map((r) => `| ${r.join(" | ")} |`)];
  writeFileSync(resolve(scratch, "browsers.md"), `${lines.join("\n")}\n`);
});

test("from a click to the first sound", async ({ seat, phone }) => {
  const desk = await phone("103", tones.desk, { auto: true });
  const anna = await seat("101");
  const pavel = await seat("102", { at: "high" });
  const calls: number[] = [];
  const answers: number[] = [];
  for (let i = 0; i < 20; i++) {
    const call = anna.page.getByRole("button", { name: "Call Emily Carter" });
    calls.push(await toFirstSound(anna.page, () => call.click()));
    await anna.hangUp();
    await desk.expect("CALL_CLOSED");
  }
  for (let i = 0; i < 20; i++) {
    await pavel.dial("101");
    const answer = anna.page.getByRole("button", { name: "Answer" });
    answers.push(await toFirstSound(anna.page, () => answer.click()));
    await anna.hangUp();
    await expect(pavel.card()).toHaveCount(0);
  }
  rows.push([
    "click on a name to the first sound heard, the phone answering at once",
    spread(calls),
  ]);
  rows.push(["click on Answer to the first sound heard of another browser", spread(answers)]);
});

test("what a browser call costs the exchange", async ({ klapka, seat }) => {
  const numbers = ["101", "102", "103", "104", "105", "106"];
  const seats: Seat[] = [];
  for (const number of numbers) seats.push(await seat(number));
  const [a, b, c] = [0, 2, 4].map((i) => [seats[i], seats[i + 1]] as [Seat, Seat]);
  const pairs = [a, b, c].filter((p) => p !== undefined);
  await pause(5);
  const idle = await load(klapka.pid, 10);
  for (const [i, [from, to]] of pairs.entries()) {
    await from.dial(numbers[2 * i + 1] ?? "");
    await to.answer();
    await talking(from.page);
  }
  const busy = await load(klapka.pid, 20);
  const cpu = (busy.cpu - idle.cpu) / pairs.length;
  const memory = (busy.rss - idle.rss) / pairs.length;
  rows.push([
    "processor of the exchange per call between two browsers, encryption at both ends",
    `${(cpu * 100).toFixed(2)} % of a core`,
  ]);
  rows.push(["memory per such a call, beside the clients", `${(memory / 1024).toFixed(0)} kB`]);
});

test("how many clients fit in a gigabyte", async ({ klapka, seat }) => {
  const each = 18; // of the 20 media sessions a person may have, besides the page's own
  const before = await load(klapka.pid, 2);
  for (const number of ["101", "102", "103", "104", "105", "106"]) {
    const { page } = await seat(number);
    await page.evaluate(connectMany, each);
  }
  await pause(3);
  const after = await load(klapka.pid, 2);
  const clients = 6 * (each + 1);
  const client = (after.rss - before.rss) / clients;
  rows.push([
    "memory per client: signed in, socket open, sound connection ready",
    `${(client / 1024).toFixed(0)} kB`,
  ]);
  rows.push(["such clients per GB", (2 ** 30 / client).toFixed(0)]);
});

/** Milliseconds from a click until the page plays something. */
async function toFirstSound(page: Page, click: () => Promise<void>): Promise<number> {
  await pause(0.5); // until the last call has died away
  await page.evaluate(() => {
    const begin = () => {
      window.probe.start();
      window.probe.clicked = performance.now();
    };
    document.addEventListener("click", begin, { capture: true, once: true });
    window.probe.clicked = Infinity;
  });
  await click();
  await page.waitForFunction(() => window.probe.firstSound() > window.probe.clicked);
  return page.evaluate(() => window.probe.firstSound() - window.probe.clicked);
}

function spread(figures: number[]): string {
  const sorted = figures.toSorted((a, b) => a - b);
  const at = (part: number) => (sorted[Math.floor(part * (sorted.length - 1))] ?? 0).toFixed(0);
  return `median ${at(0.5)} ms, 95 % within ${at(0.95)} ms`;
}

/** Share of a core over some seconds, and memory in bytes, of a process. */
async function load(pid: number, seconds: number): Promise<{ cpu: number; rss: number }> {
  const ticks = () => {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return Number(fields[11]) + Number(fields[12]); // utime and stime, 100 per second
  };
  const before = ticks();
  await pause(seconds);
  const cpu = (ticks() - before) / 100 / seconds;
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const rss = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024;
  return { cpu, rss };
}

/** Runs in the page: so many more clients of the same person, all of them ready. */
async function connectMany(n: number): Promise<void> {
  const one = (i: number) =>
    new Promise<void>((done, fail) => {
      const socket = new WebSocket(`ws://${location.host}/api/socket`);
      const peer = new RTCPeerConnection();
      peer.addTransceiver("audio");
      const say = (frame: object) => socket.send(JSON.stringify(frame));
      socket.onclose = () => fail(new Error(`client ${i} was refused`));
      socket.onopen = async () => {
        const id = `bench${i}`;
        say({ t: "hello", client_id: id, tab_id: id, resume: null });
        await peer.setLocalDescription();
        say({ t: "media.offer", ms: id, sdp: peer.localDescription?.sdp, why: "new" });
      };
      socket.onmessage = ({ data }: MessageEvent<string>) => {
        const frame = JSON.parse(data) as { t: string; sdp: string };
        if (frame.t === "ping") say({ t: "pong" });
        if (frame.t === "media.answer") {
          void peer.setRemoteDescription({ type: "answer", sdp: frame.sdp });
        }
        if (frame.t === "media.refused") fail(new Error(`client ${i} has no sound`));
      };
      peer.onconnectionstatechange = () => {
        if (peer.connectionState === "connected") done();
      };
    });
  for (let i = 0; i < n; i++) await one(i);
}
