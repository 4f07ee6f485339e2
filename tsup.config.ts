import { defineConfig } from 'tsup'

// Engines and providers are imported on first use (`_modules.ts`), so each becomes a chunk of its own.
export default defineConfig({
  entry: {
    index: 'src/index.ts',
    node: 'adapters/node/serve.ts',
    bun: 'adapters/bun/serve.ts',
    main: 'adapters/node/main.ts',
  },
  dts: { entry: { index: 'src/index.ts', node: 'adapters/node/serve.ts', bun: 'adapters/bun/serve.ts' } },
  format: 'esm',
  target: 'node20',
  splitting: true,
  // The built pages are modules of their own: see `src/build/site.ts`.
  external: [/^#/],
  sourcemap: true,
  clean: true,
})
