import { execFileSync } from "node:child_process";
import { randomInt } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Why networks cannot be made here; empty where they can. */
export function noNetworks(): string {
  if (process.getuid?.() !== 0) return "only root may make network namespaces";
  try {
    execFileSync("ip", ["-V"], { stdio: "ignore" });
    return "";
  } catch {
    return "there is no ip command (apt-get install iproute2)";
  }
}

/**
 * A host of its own with a cable to this one. What runs in it reaches this
 * machine at outside and nothing else.
 */
export class Host {
  readonly #net = randomInt(0, 250);
  readonly #name = `klapka-${process.pid}-${this.#net}`;
  readonly #cable = `kl${this.#net}x${process.pid % 100_000}`;
  readonly #dir = mkdtempSync(join(tmpdir(), "klapka-host-"));

  /** This machine's address on the cable. */
  readonly outside = this.address(1);

  constructor() {
    ip("netns", "add", this.#name);
    ip("link", "add", `${this.#cable}a`, "type", "veth", "peer", "name", `${this.#cable}b`);
    ip("link", "set", `${this.#cable}b`, "netns", this.#name);
    ip("addr", "add", `${this.outside}/24`, "dev", `${this.#cable}a`);
    ip("link", "set", `${this.#cable}a`, "up");
    this.#inside("link", "set", "lo", "up");
    this.#inside("link", "set", `${this.#cable}b`, "up");
  }

  /** An address of the cable's network. */
  address(last: number): string {
    return `10.199.${this.#net}.${last}`;
  }

  /** Gives the host an address, and the way out by it. */
  join(last: number): void {
    this.#inside("addr", "add", `${this.address(last)}/24`, "dev", `${this.#cable}b`);
    this.#inside("route", "replace", "default", "via", this.outside);
  }

  /** Takes an address away from it. */
  leave(last: number): void {
    this.#inside("addr", "del", `${this.address(last)}/24`, "dev", `${this.#cable}b`);
  }

  /** Lets no UDP out of the host or into it. */
  blockUDP(): void {
    for (const chain of ["INPUT", "OUTPUT"]) {
      this.run("iptables", "-A", chain, "-p", "udp", "!", "-o", "lo", "-j", "DROP");
    }
  }

  /** Runs a command in the host. */
  run(...command: string[]): void {
    const args = command[2] === "INPUT" ? command.map((a) => (a === "-o" ? "-i" : a)) : command;
    execFileSync("ip", ["netns", "exec", this.#name, ...args]);
  }

  /** A program that runs another one in the host. */
  program(path: string): string {
    const script = join(this.#dir, "run");
    writeFileSync(script, `#!/bin/sh\nexec ip netns exec ${this.#name} ${path} "$@"\n`, {
      mode: 0o755,
    });
    return script;
  }

  /** Takes host and cable away; what runs in it must have ended. */
  close(): void {
    // Taking one end of a cable takes the other; the host itself may live on for
    // a moment, until what ran in it is gone.
    ip("link", "del", `${this.#cable}a`);
    ip("netns", "del", this.#name);
    rmSync(this.#dir, { recursive: true, force: true });
  }

  #inside(...args: string[]): void {
    ip("-n", this.#name, ...args);
  }
}

function ip(...args: string[]): void {
  execFileSync("ip", args);
}
