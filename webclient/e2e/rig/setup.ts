import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { repository } from "./places.ts";

/** Sees to what the tests start: the shipped program and what listens to sound. */
export default function setup(): void {
  if (!existsSync(resolve(repository, "bin/klapka"))) {
    throw new Error("bin/klapka is not there: run make build first");
  }
  execFileSync("go", ["build", "-o", "bin/hear", "./media/mediatest/hear"], {
    cwd: repository,
    env: { ...process.env, CGO_ENABLED: "0" },
    stdio: "inherit",
  });
}
