import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["{impl,sim,conformance,scripts}/**/*.test.ts"],
    pool: "threads",
    testTimeout: 20_000,
  },
});
