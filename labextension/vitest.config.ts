import { readFileSync } from 'node:fs';
import { defineConfig } from 'vitest/config';

/** Icons as text, as JupyterLab's own builder imports them. */
const svgAsText = {
  name: 'svg-as-text',
  enforce: 'pre' as const,
  load: (id: string) =>
    id.endsWith('.svg') ? `export default ${JSON.stringify(readFileSync(id, 'utf8'))}` : undefined
};

export default defineConfig({
  plugins: [svgAsText],
  test: {
    environment: 'jsdom',
    include: ['src/**/*.test.{ts,tsx}'],
    restoreMocks: true,
    server: { deps: { inline: [/@jupyterlab/, /@jupyter\//, /@lumino/] } },
    setupFiles: ['src/testing/setup.ts'],
    testTimeout: 30000
  }
});
