import { configDefaults, defineConfig } from 'vitest/config';

export default defineConfig({
  // Node takes the CommonJS entry of graphql, Vite would take the other: two copies of it do not know each other's types.
  resolve: { alias: [{ find: /^graphql$/, replacement: 'graphql/index.js' }] },
  test: {
    include: ['test/**/*.test.ts'],
    exclude: [...configDefaults.exclude, 'dist/**'],
    globalSetup: ['test/support/global-setup.ts'],
    setupFiles: ['test/support/put-back.ts'],
    reporters: ['default', './test/support/summary.reporter.ts'],
    pool: 'forks',
    // Loading the service anew for each file took a third of the time. What a test puts in the place of something it has to put back.
    isolate: false,
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
