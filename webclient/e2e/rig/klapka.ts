import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { loopback, repository, until } from "./places.ts";

/** Where a running exchange listens, as addresses.json has it. */
interface Addresses {
  pid: number;
  http: string[];
  https: string[];
  sip_udp: string[];
  sip_tcp: string[];
}

/** The shipped program, on an address and with a data directory of its own. */
export class Klapka {
  readonly host = loopback();
  readonly #dir = mkdtempSync(join(tmpdir(), "klapka-e2e-"));
  readonly #settings: Record<string, string>;
  readonly #args: string[];
  #process: ChildProcess | undefined;
  #addresses: Addresses | undefined;
  #said = "";

  /**
   * settings are environment variables without KLAPKA_; demo is the demo company,
   * which "anywhere" also serves to other hosts.
   */
  constructor(o: { demo?: boolean | "anywhere"; settings?: Record<string, string> } = {}) {
    const flags = { true: ["--demo"], false: [], anywhere: ["--demo-anywhere"] };
    this.#args = ["serve", ...flags[`${o.demo ?? true}`]];
    this.#settings = o.settings ?? {};
  }

  /** Starts the program and waits until it is ready. */
  async start(): Promise<this> {
    const any = `${this.host}:0`;
    const settings = {
      DATA_DIR: this.#dir,
      HTTP_LISTEN: any,
      HTTPS_LISTEN: any,
      SIP_UDP: any,
      SIP_TCP: any,
      SIP_TLS: "",
      WEBRTC_UDP: any,
      RTP_LISTEN: this.host,
      SHUTDOWN_GRACE: "1s",
      CALLS_MEDIA_TIMEOUT: "0", // the phones' tones end before the tests do
      LOG_LEVEL: "debug",
      ...this.#settings,
    };
    const env = { ...process.env };
    for (const [name, value] of Object.entries(settings)) env[`KLAPKA_${name}`] = value;
    const child = spawn(resolve(repository, "bin/klapka"), this.#args, {
      env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#process = child;
    const hear = (data: Buffer) => (this.#said += data.toString());
    child.stdout.on("data", hear);
    child.stderr.on("data", hear);
    await until("the exchange is ready", () => {
      if (child.exitCode !== null) throw new Error(`the exchange ended:\n${this.#said}`);
      this.#addresses = this.#read();
      return this.#addresses;
    });
    return this;
  }

  #read(): Addresses | undefined {
    try {
      return JSON.parse(readFileSync(join(this.#dir, "addresses.json"), "utf8")) as Addresses;
    } catch {
      return undefined; // not ready yet
    }
  }

  #place(kind: "http" | "https" | "sip_udp" | "sip_tcp"): string {
    const place = this.#addresses?.[kind][0];
    if (!place) throw new Error(`the exchange has no ${kind}`);
    return place;
  }

  /** Address of the pages, without a slash at the end. */
  get url(): string {
    return `http://${this.#place("http")}`;
  }

  /** The same with encryption, as everybody away from the machine has it. */
  get secureUrl(): string {
    return `https://${this.#place("https")}`;
  }

  /** Where phones register over UDP, as host:port. */
  get sip(): string {
    return this.#place("sip_udp");
  }

  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  /** Everything it printed and logged so far. */
  get said(): string {
    return this.#said;
  }

  /** What /metrics says under a name without labels. */
  async metric(name: string): Promise<number> {
    const text = await (await fetch(`${this.url}/metrics`)).text();
    const line = text.split("\n").find((l) => l.startsWith(`${name} `));
    if (!line) throw new Error(`there is no metric ${name}`);
    return Number(line.slice(name.length + 1));
  }

  /** Ends the program in order and forgets its data. */
  async stop(): Promise<void> {
    const child = this.#process;
    if (child && child.exitCode === null) {
      const ended = new Promise((done) => child.once("exit", done));
      child.kill("SIGTERM");
      const patience = setTimeout(() => child.kill("SIGKILL"), 8_000);
      await ended;
      clearTimeout(patience);
    }
    rmSync(this.#dir, { recursive: true, force: true });
  }
}
