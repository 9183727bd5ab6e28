import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    environment: 'jsdom',
    include: ['src/**/*.test.{ts,tsx}'],
    restoreMocks: true,
    server: { deps: { inline: [/@jupyterlab/, /@jupyter\//, /@lumino/] } },
    setupFiles: ['src/testing/setup.ts'],
    testTimeout: 10000
  }
});
