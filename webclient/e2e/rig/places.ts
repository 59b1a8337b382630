import { createSocket } from "node:dgram";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";
import { resolve } from "node:path";

/** The checkout. */
export const repository = resolve(import.meta.dirname, "../../..");

/** Where runs leave recordings, tones and data directories. */
export const scratch = resolve(repository, "test-results");

/** A loopback address of one's own, so that runs beside each other never share ports. */
export function loopback(): string {
  return `127.${randomInt(64, 250)}.${randomInt(1, 250)}.${randomInt(1, 250)}`;
}

/** Asks again until it holds, or fails with what was waited for. */
export async function until<T>(
  what: string,
  look: () => T | Promise<T>,
  within = 15_000,
): Promise<NonNullable<T>> {
  const end = Date.now() + within;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > end) throw new Error(`not within ${within} ms: ${what}`);
    await new Promise((done) => setTimeout(done, 25));
  }
}

/** The first of three ports of 127.0.0.1 that are free over UDP and TCP. */
export async function freePorts(): Promise<number> {
  for (;;) {
    const first = 10_000 + 4 * randomInt(0, 2_000);
    const all = [first, first + 1, first + 2].map(async (p) => (await udp(p)) && (await tcp(p)));
    if ((await Promise.all(all)).every(Boolean)) return first;
  }
}

async function udp(port: number): Promise<boolean> {
  const socket = createSocket("udp4");
  try {
    socket.bind(port, "127.0.0.1");
    await once(socket, "listening"); // rejects on an error
    socket.close();
    return true;
  } catch {
    return false;
  }
}

async function tcp(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    server.close();
    return true;
  } catch {
    return false;
  }
}

/** Lets sound go on for so many seconds. */
export function pause(seconds: number): Promise<void> {
  return new Promise((done) => setTimeout(done, seconds * 1000));
}
