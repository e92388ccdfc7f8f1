import { defineConfig } from 'vitest/config';

/**
 * Two projects: `unit` is pure code, many files in few threads; `native` loads native addons, starts
 * processes or servers, so every file gets a process of its own.
 */
export default defineConfig({
  test: {
    maxWorkers: 2,
    globalSetup: 'test/built.ts',
    projects: [
      {
        test: {
          name: 'unit',
          setupFiles: ['test/properties.ts'],
          include: ['test/{lifecycle,formats,templates,app,github}/**/*.test.ts'],
          pool: 'threads',
          isolate: false,
        },
      },
      {
        test: {
          name: 'native',
          setupFiles: ['test/properties.ts'],
          include: ['test/{store,data,ml,actions,runners,loop,crash,house}/**/*.test.ts'],
          pool: 'forks',
          isolate: true,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
