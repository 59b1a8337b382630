import { resolve } from "node:path";
import { defineConfig } from "@playwright/test";

const repository = resolve(import.meta.dirname, "../../..");

/** Debian's Chromium; nothing is downloaded. */
const executablePath = process.env.KLAPKA_CHROMIUM ?? "/usr/bin/chromium";

const port = 4173;
const adminPort = 4174;

/**
 * The pages against a scripted exchange: states that are hard to bring about with
 * a real one, and every page in every look.
 */
export default defineConfig({
  testMatch: "**/*.page.ts",
  testDir: import.meta.dirname,
  outputDir: `${repository}/test-results/scripted`,
  workers: 1,
  reporter: [["list"]],
  use: {
    baseURL: `http://localhost:${port}`,
    locale: "en-GB",
    timezoneId: "Europe/Vienna",
    launchOptions: {
      executablePath,
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
      ],
    },
  },
  webServer: [
    {
      command: `npx vite preview webclient/app --outDir ../dist --port ${port} --strictPort`,
      port,
      cwd: repository,
    },
    {
      command: `npx vite preview admin --port ${adminPort} --strictPort`,
      port: adminPort,
      cwd: repository,
    },
  ],
});
