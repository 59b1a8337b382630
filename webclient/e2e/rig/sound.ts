import { execFile } from "node:child_process";
import { existsSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { promisify } from "node:util";
import { repository, scratch } from "./places.ts";

/** Writes 16-bit mono PCM as a WAV file. */
export function writeWav(path: string, rate: number, samples: Int16Array): void {
  const head = Buffer.alloc(44);
  head.write("RIFF", 0);
  head.writeUInt32LE(36 + samples.byteLength, 4);
  head.write("WAVEfmt ", 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(rate, 24);
  head.writeUInt32LE(rate * 2, 28);
  head.writeUInt16LE(2, 32);
  head.writeUInt16LE(16, 34);
  head.write("data", 36);
  head.writeUInt32LE(samples.byteLength, 40);
  const data = Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength);
  writeFileSync(path, Buffer.concat([head, data]));
}

/** A file with a tone of whole cycles, so that it can be played in a loop. */
export function toneFile(rate: number, hz: number, seconds: number): string {
  const dir = resolve(scratch, "tones");
  const path = resolve(dir, `${rate}-${hz}-${seconds}.wav`);
  if (existsSync(path)) return path;
  mkdirSync(dir, { recursive: true });
  const samples = new Int16Array(rate * seconds);
  for (let i = 0; i < samples.length; i++) {
    samples[i] = Math.round(8_000 * Math.sin((2 * Math.PI * hz * i) / rate));
  }
  writeWav(`${path}.${process.pid}`, rate, samples);
  renameSync(`${path}.${process.pid}`, path); // another worker may make it, too
  return path;
}

/** What must be heard in a recording; see media/mediatest. Times in seconds. */
export interface Wanted {
  /** In Hz; 0: nothing at all may be heard. */
  tone: number;
  absent?: number[];
  from?: number;
  to?: number;
}

const run = promisify(execFile);
const hear = resolve(repository, "bin/hear");

/** Listens to a recording by the rules of media/mediatest; throws what is wrong. */
export async function listen(path: string, wanted: Wanted): Promise<void> {
  const { tone, absent = [], from = 0, to = 0 } = wanted;
  const args = ["-tone", `${tone}`, "-absent", absent.join(","), "-from", `${from}s`];
  try {
    await run(hear, [...args, "-to", `${to}s`, path]);
  } catch (error) {
    throw new Error(`${path}: ${(error as { stderr: string }).stderr}`, { cause: error });
  }
}

/** How strong a frequency is in a stretch of sound: 1 is a full-scale sine (Goertzel). */
export function strength(samples: Int16Array, rate: number, hz: number): number {
  const w = (2 * Math.PI * hz) / rate;
  const c = 2 * Math.cos(w);
  let [a, b] = [0, 0];
  for (const sample of samples) [a, b] = [sample / 32768 + c * a - b, a];
  return (2 * Math.sqrt(a * a + b * b - c * a * b)) / samples.length;
}
