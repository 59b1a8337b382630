import config from "./playwright.config.ts";
import { scratch } from "./rig/places.ts";

/** What browsers cost and how quick they are, apart from the tests. */
export default { ...config, outputDir: `${scratch}/bench`, testMatch: "**/bench.ts", workers: 1 };
