import config from "./playwright.config.ts";

/** What browsers cost and how quick they are, apart from the tests. */
export default { ...config, testMatch: "**/bench.ts", workers: 1 };
