import { defineConfig } from "vite";
import { klapkaBuild } from "../kit/build/vite.ts";

export default defineConfig(
  klapkaBuild({ root: import.meta.dirname, base: "/", outDir: "../dist" }),
);
