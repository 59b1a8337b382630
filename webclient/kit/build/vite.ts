import { resolve } from "node:path";
import react from "@vitejs/plugin-react";
import preset from "postcss-preset-mantine";
import type { CSSOptions, UserConfig } from "vite";
import { precompress } from "./precompress.ts";

type PostCSS = Exclude<CSSOptions["postcss"], string | undefined>;

// The package comes without types.
const mantine = preset as () => NonNullable<PostCSS["plugins"]>[number];

/** What the two applications differ in. */
export interface BuildOptions {
  /** Folder of the application's index.html. */
  root: string;
  /** Path it is served under, as in the Go package that embeds it. */
  base: string;
  /** Folder the Go package embeds. */
  outDir: string;
}

/**
 * The build both applications share: hashed names in assets/, compressed variants
 * beside them, and a development server that passes the API on to a running
 * exchange.
 */
export function klapkaBuild({ root, base, outDir }: BuildOptions): UserConfig {
  const exchange = process.env.KLAPKA_DEV_EXCHANGE ?? "http://localhost:8080";
  const out = resolve(root, outDir);
  return {
    root,
    base,
    plugins: [react(), precompress(out)],
    css: { postcss: { plugins: [mantine()] } },
    build: { outDir: out, emptyOutDir: true, target: "es2023", assetsInlineLimit: 0 },
    server: { proxy: { "/api": { target: exchange, ws: true } } },
  };
}
