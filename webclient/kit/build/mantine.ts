import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

const core = resolve(import.meta.dirname, "../../../node_modules/@mantine/core");

/**
 * The style sheets (names of files in @mantine/core/styles) that the sources in
 * dirs need: of every component they import, and of all that those are made of.
 * We load these alone; the whole sheet would be a tenth of the first screen.
 */
export function stylesNeeded(dirs: string[]): Set<string> {
  const files = exported();
  const needed = new Set<string>();
  const seen = new Set<string>();
  const visit = (file: string): void => {
    if (seen.has(file) || !existsSync(file)) return;
    seen.add(file);
    const sheet = /([^/]+)\.module\.mjs$/.exec(file)?.[1];
    if (sheet) needed.add(sheet);
    for (const [, path = ""] of readFileSync(file, "utf8").matchAll(/from\s*"(\.[^"]+)"/g)) {
      visit(resolve(dirname(file), path));
    }
  };
  for (const name of imported(dirs)) {
    const file = files.get(name);
    if (file) visit(file);
  }
  return new Set([...needed].filter((n) => existsSync(join(core, "styles", `${n}.css`))));
}

/** The style sheets a module of ours loads, by the same names. */
export function stylesLoaded(module: string): Set<string> {
  const loads = readFileSync(module, "utf8").matchAll(/@mantine\/core\/styles\/(\w+)\.css/g);
  return new Set(Array.from(loads, ([, name = ""]) => name));
}

/** Where each of the library's exports is made. */
function exported(): Map<string, string> {
  const index = readFileSync(join(core, "esm/index.mjs"), "utf8");
  const found = new Map<string, string>();
  for (const [, names = "", path = ""] of index.matchAll(/import \{([^}]*)\} from "([^"]+)"/g)) {
    for (const name of list(names)) found.set(name, resolve(core, "esm", path));
  }
  return found;
}

/** What the sources import from the library, types left out. */
function imported(dirs: string[]): Set<string> {
  const names = new Set<string>();
  for (const dir of dirs) {
    for (const file of readdirSync(dir, { recursive: true, encoding: "utf8" })) {
      if (!/\.(tsx?|mjs)$/.test(file)) continue;
      const source = readFileSync(join(dir, file), "utf8");
      const imports = source.matchAll(/import\s*\{([^}]*)\}\s*from\s*"@mantine\/core"/g);
      for (const [, found = ""] of imports) for (const name of list(found)) names.add(name);
    }
  }
  return names;
}

function list(names: string): string[] {
  return names
    .split(",")
    .map((n) => n.trim().split(" as ")[0] ?? "")
    .filter((n) => n !== "" && !n.startsWith("type "));
}
