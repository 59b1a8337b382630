import { spawn, type ChildProcess } from "node:child_process";
import { randomBytes, randomUUID } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts, until } from "./places.ts";
import { listen, toneFile, type Wanted } from "./sound.ts";

/** Which phone it is. */
export interface BaresipOptions {
  /** Where it registers, host:port. */
  server: string;
  username: string;
  secret: string;
  /** The tone it sends, in Hz. */
  tone: number;
  /** Answers by itself. */
  auto?: boolean;
}

interface Message {
  response?: boolean;
  ok?: boolean;
  data?: string;
  event?: boolean;
  type?: string;
  param?: string;
}

/** A real telephone, driven through its control connection. */
export class Baresip {
  readonly #options: BaresipOptions;
  readonly #dir = mkdtempSync(join(tmpdir(), "klapka-phone-"));
  // Its sound leaves from 127.0.0.1 whatever address it is given.
  readonly host = "127.0.0.1";
  #port = 0; // of SIP; TLS takes the next, control the one after
  #process: ChildProcess | undefined;
  #control: Socket | undefined;
  #log = "";
  #established = 0;
  #pending = "";
  #events: Message[] = [];
  #seen = 0;
  #answers: ((m: Message) => void)[] = [];

  constructor(options: BaresipOptions) {
    this.#options = options;
  }

  /** Starts the phone; it registers by itself. */
  async start(): Promise<this> {
    this.#port = await freePorts();
    mkdirSync(join(this.#dir, "rec"));
    const files = { config: this.#config(), accounts: this.#account(), contacts: "" };
    for (const [name, text] of Object.entries({ ...files, uuid: randomUUID() })) {
      writeFileSync(join(this.#dir, name), text);
    }
    // Address space is bounded: some modules are known to eat memory without end.
    const command = `ulimit -v 524288; exec stdbuf -oL baresip -f ${this.#dir} -s`;
    const child = spawn("bash", ["-c", command], { stdio: ["ignore", "pipe", "pipe"] });
    this.#process = child;
    const hear = (data: Buffer) => (this.#log += data.toString());
    child.stdout.on("data", hear);
    child.stderr.on("data", hear);
    this.#control = await until("the phone listens", () => this.#dial());
    return this;
  }

  #dial(): Promise<Socket | null> {
    if (this.#process?.exitCode !== null) throw new Error(`the phone ended:\n${this.#log}`);
    return new Promise((done) => {
      const socket = connect(this.#port + 2, this.host);
      socket.setEncoding("latin1"); // a byte is a character, as netstrings count
      socket.once("error", () => done(null));
      socket.once("connect", () => {
        socket.on("data", (text: string) => this.#receive(text));
        socket.on("error", () => undefined); // it ends with the phone
        done(socket);
      });
    });
  }

  #receive(text: string): void {
    this.#pending += text;
    for (;;) {
      const colon = this.#pending.indexOf(":");
      const length = Number(this.#pending.slice(0, colon));
      const end = colon + 1 + length;
      if (colon < 0 || this.#pending.length <= end) return;
      const body = this.#pending.slice(colon + 1, end);
      this.#pending = this.#pending.slice(end + 1);
      this.#take(JSON.parse(Buffer.from(body, "latin1").toString()) as Message);
    }
  }

  #take(message: Message): void {
    if (message.response) this.#answers.shift()?.(message);
    else if (message.event) this.#events.push(message);
    if (message.type === "CALL_ESTABLISHED") this.#established = Date.now();
  }

  /** Runs one of the phone's commands and returns what it says. */
  async command(command: string, params = ""): Promise<string> {
    const text = JSON.stringify({ command, params, token: randomBytes(4).toString("hex") });
    const answer = new Promise<Message>((done) => this.#answers.push(done));
    this.#control?.write(`${Buffer.byteLength(text)}:${text},`);
    const { ok, data = "" } = await answer;
    if (!ok) throw new Error(`${command} ${params}: ${data}`);
    return data;
  }

  /** Waits for the next event of a type, passing over others, and gives its parameter. */
  async expect(type: string, within = 15_000): Promise<string> {
    try {
      return (
        (
          await until(
            type,
            () => {
              while (this.#seen < this.#events.length) {
                const event = this.#events[this.#seen++];
                if (event?.type === type) return event;
              }
              return undefined;
            },
            within,
          )
        ).param ?? ""
      );
    } catch {
      const said = this.#events.map((e) => `${e.type} ${e.param}`).join(", ");
      throw new Error(`the phone has no ${type} within ${within} ms; so far: ${said}`);
    }
  }

  /** Waits until it is registered. */
  async registered(within = 15_000): Promise<this> {
    await until(
      "the phone is registered",
      async () => (await this.command("reginfo")).includes("OK "),
      within,
    );
    return this;
  }

  /** All parameters of the events of a type so far. */
  params(type: string): string[] {
    return this.#events.filter((e) => e.type === type).map((e) => e.param ?? "");
  }

  dial(number: string): Promise<string> {
    return this.command("dial", `sip:${number}@${this.#options.server}`);
  }

  /** Waits for a call and answers it. */
  async accept(): Promise<void> {
    await this.expect("CALL_INCOMING");
    await this.command("accept");
    await this.expect("CALL_ESTABLISHED");
  }

  hangup(): Promise<string> {
    return this.command("hangup");
  }

  /** Presses keys, one after the other; each is sent as an event (RFC 4733). */
  async press(keys: string): Promise<void> {
    await this.command("sndcode", keys);
  }

  /** Listens to what the phone heard in its latest call, which has ended. */
  async heard(wanted: Wanted): Promise<void> {
    const dir = join(this.#dir, "rec");
    const files = readdirSync(dir)
      .filter((name) => name.endsWith("-dec.wav"))
      .map((name) => join(dir, name))
      .sort((a, b) => statSync(a).mtimeMs - statSync(b).mtimeMs);
    await listen(files.at(-1) ?? "no recording", wanted);
  }

  /** How long the present call has been heard, in seconds: a place in its recording. */
  talked(): number {
    return (Date.now() - this.#established) / 1000;
  }

  /** Every SIP message, and what the phone thinks of it. */
  get log(): string {
    return this.#log;
  }

  /** Ends the phone, which unregisters. */
  async stop(): Promise<void> {
    const child = this.#process;
    if (child && child.exitCode === null) {
      const ended = new Promise((done) => child.once("exit", done));
      child.kill("SIGTERM");
      const patience = setTimeout(() => child.kill("SIGKILL"), 3_000);
      await ended;
      clearTimeout(patience);
    }
    this.#control?.destroy();
    rmSync(this.#dir, { recursive: true, force: true });
  }

  #config(): string {
    const modules = ["g711.so", "sndfile.so", "aufile.so"].map((m) => `module ${m}`);
    const apps = ["contact.so", "debug_cmd.so", "menu.so", "ctrl_tcp.so"];
    return [
      `sip_listen ${this.host}:${this.#port}`,
      `net_interface ${this.host}`,
      `ctrl_tcp_listen ${this.host}:${this.#port + 2}`,
      "rtp_ports 18000-31999",
      "rtcp_mux no",
      "jitter_buffer_type off",
      "ringback_disabled yes",
      "menu_bell no",
      `snd_path ${this.#dir}/rec`,
      "module_path /usr/lib/baresip/modules",
      ...modules,
      "module_tmp uuid.so",
      "module_tmp account.so",
      ...apps.map((m) => `module_app ${m}`),
      `audio_source aufile,${toneFile(8_000, this.#options.tone, 600)}`,
      "",
    ].join("\n");
  }

  #account(): string {
    const { server, username, secret, auto } = this.#options;
    const answer = auto ? "auto" : "manual";
    return `<sip:${username}@${server};transport=udp>;auth_user=${username};auth_pass=${secret};answermode=${answer};regint=600;audio_codecs=pcma/8000/1,pcmu/8000/1\n`;
  }
}
