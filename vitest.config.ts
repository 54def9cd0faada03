import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["{impl,sim,conformance,scripts}/**/*.test.ts"],
    pool: "threads",
    // No module keeps state that a test could leave behind; a thread for each file would take twice as long.
    isolate: false,
    testTimeout: 20_000,
  },
});
