import { createHash, randomBytes } from "node:crypto";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";

/** Somebody at an address of his own who speaks SIP and guesses passwords. */
export class Stranger {
  readonly #socket: Socket;
  readonly #host: string;
  readonly #port: number;
  readonly #server: [host: string, port: number];

  private constructor(socket: Socket, host: string, server: string) {
    this.#socket = socket;
    this.#host = host;
    this.#port = socket.address().port;
    const [to = "", port] = server.split(":");
    this.#server = [to, Number(port)];
  }

  /** Comes to an address of this machine; server is host:port. */
  static async at(host: string, server: string): Promise<Stranger> {
    const socket = createSocket("udp4");
    socket.bind(0, host);
    await once(socket, "listening");
    return new Stranger(socket, host, server);
  }

  leave(): void {
    this.#socket.close();
  }

  /** Registers with a secret; the status of the answer, or 0 for none. */
  async register(username: string, secret: string): Promise<number> {
    return this.#ask("REGISTER", username, username, secret);
  }

  /** Calls a number with a secret; the status of the first answer after the challenge. */
  async invite(username: string, secret: string, number: string): Promise<number> {
    return this.#ask("INVITE", username, number, secret);
  }

  async #ask(method: string, username: string, to: string, secret: string): Promise<number> {
    const call = randomBytes(8).toString("hex");
    const uri = method === "REGISTER" ? `sip:${this.#server[0]}` : `sip:${to}@${this.#server[0]}`;
    const first = await this.#send(method, uri, { username, to, call, cseq: 1 });
    const part = (name: string) => new RegExp(`${name}="?([^",\\r]+)`).exec(first)?.[1] ?? "";
    if (statusOf(first) !== 401 && statusOf(first) !== 407) return statusOf(first);
    const [realm, nonce] = [part("realm"), part("nonce")];
    const [nc, cnonce] = ["00000001", call];
    const ha1 = md5(`${username}:${realm}:${secret}`);
    const response = md5(`${ha1}:${nonce}:${nc}:${cnonce}:auth:${md5(`${method}:${uri}`)}`);
    const name = statusOf(first) === 401 ? "Authorization" : "Proxy-Authorization";
    const proof =
      `${name}: Digest username="${username}", realm="${realm}", nonce="${nonce}", uri="${uri}", ` +
      `response="${response}", algorithm=MD5, qop=auth, nc=${nc}, cnonce="${cnonce}"\r\n`;
    return statusOf(await this.#send(method, uri, { username, to, call, cseq: 2, proof }));
  }

  async #send(
    method: string,
    uri: string,
    m: { username: string; to: string; call: string; cseq: number; proof?: string },
  ): Promise<string> {
    const here = `${this.#host}:${this.#port}`;
    const text =
      `${method} ${uri} SIP/2.0\r\n` +
      `Via: SIP/2.0/UDP ${here};rport;branch=z9hG4bK${randomBytes(6).toString("hex")}\r\n` +
      `Max-Forwards: 70\r\n` +
      `From: <sip:${m.username}@${this.#server[0]}>;tag=${m.call}\r\n` +
      `To: <sip:${m.to}@${this.#server[0]}>\r\n` +
      `Call-ID: ${m.call}\r\nCSeq: ${m.cseq} ${method}\r\n` +
      `Contact: <sip:${m.username}@${here}>\r\n${m.proof ?? ""}Content-Length: 0\r\n\r\n`;
    const answer = new Promise<string>((done) => {
      const patience = setTimeout(() => done(""), 1_500);
      const take = (data: Buffer) => {
        const said = data.toString();
        if (statusOf(said) < 200) return;
        // Late answers to what was asked before have other numbers.
        if (!said.includes(`Call-ID: ${m.call}`) || !said.includes(`CSeq: ${m.cseq} `)) return;
        this.#socket.off("message", take);
        clearTimeout(patience);
        done(said);
      };
      this.#socket.on("message", take);
    });
    this.#socket.send(text, this.#server[1], this.#server[0]);
    return answer;
  }
}

function statusOf(answer: string): number {
  return Number(/^SIP\/2\.0 (\d{3})/.exec(answer)?.[1] ?? 0);
}

function md5(text: string): string {
  return createHash("md5").update(text).digest("hex");
}
