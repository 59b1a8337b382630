import config from "./playwright.config.ts";
import { scratch } from "./rig/places.ts";

/** Pictures for the manual, apart from the tests. */
export default {
  ...config,
  outputDir: `${scratch}/pictures`,
  testMatch: "**/screenshots.ts",
  workers: 1,
};
