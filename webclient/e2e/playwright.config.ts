import { defineConfig } from "@playwright/test";
import { scratch } from "./rig/places.ts";

export default defineConfig({
  testDir: import.meta.dirname,
  outputDir: `${scratch}/playwright`,
  globalSetup: `${import.meta.dirname}/rig/setup.ts`,
  // Each has an exchange and browsers of its own; sound wants a core.
  workers: 2,
  timeout: 60_000,
  expect: { timeout: 10_000 },
  forbidOnly: true,
  reporter: [["list"]],
  use: { screenshot: "only-on-failure" },
});
