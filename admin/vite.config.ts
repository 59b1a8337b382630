import { defineConfig } from "vite";
import { klapkaBuild } from "../webclient/kit/build/vite.ts";

export default defineConfig(
  klapkaBuild({ root: import.meta.dirname, base: "/admin/", outDir: "dist" }),
);
