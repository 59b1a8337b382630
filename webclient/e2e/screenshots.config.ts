import config from "./playwright.config.ts";

/** Pictures for the manual, apart from the tests. */
export default { ...config, testMatch: "**/screenshots.ts", workers: 1 };
