import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import type { Plugin } from "vite";

const brotli = promisify(brotliCompress);
const deflate = promisify(gzip);

/** Types that shrink; pictures and fonts are compressed already. */
const text = new Set([".css", ".html", ".js", ".json", ".svg", ".txt", ".webmanifest"]);

/** Below this a variant saves nothing once the headers are counted. */
const worthwhile = 1024;

/**
 * Leaves a .br and a .gz beside every text file of the finished build, so that
 * the server never compresses anything itself, and puts back the .keep that lets
 * the folder be embedded when it is otherwise empty.
 */
export function precompress(dir: string): Plugin {
  return {
    name: "klapka-precompress",
    apply: "build",
    async closeBundle() {
      const names = await readdir(dir, { recursive: true });
      await Promise.all(names.filter((n) => text.has(extname(n))).map((n) => pack(join(dir, n))));
      await writeFile(join(dir, ".keep"), "");
    },
  };
}

async function pack(path: string): Promise<void> {
  if ((await stat(path)).size < worthwhile) return;
  const body = await readFile(path);
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: 11,
    [constants.BROTLI_PARAM_SIZE_HINT]: body.length,
  };
  await writeFile(`${path}.br`, await brotli(body, { params }));
  await writeFile(`${path}.gz`, await deflate(body, { level: 9 }));
}
