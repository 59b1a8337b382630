import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    environment: "happy-dom",
    include: ["webclient/{kit,app}/**/*.test.{ts,tsx}", "admin/src/**/*.test.{ts,tsx}"],
    restoreMocks: true,
  },
});
