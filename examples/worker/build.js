// Makes one module of the worker: node examples/worker/build.js <file>
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

/** Loaded only when settings ask for them, and only on Node: they stay outside. */
const NODE_ONLY =
  /^\.\/(duckdb|ducklake|bigquery)-|^(ioredis|prom-client|rate-limiter-flexible|unstorage\/drivers\/redis)$|^@opentelemetry\//

await build({
  entryPoints: [fileURLToPath(new URL('worker.js', import.meta.url))],
  outfile: process.argv[2] ?? 'worker.js',
  bundle: true,
  format: 'esm',
  platform: 'browser',
  target: 'es2022',
  conditions: ['import', 'default'],
  plugins: [
    {
      name: 'node-only',
      setup({ onResolve }) {
        onResolve({ filter: NODE_ONLY }, ({ kind, path }) =>
          kind === 'dynamic-import' ? { path, external: true } : undefined,
        )
      },
    },
  ],
})
