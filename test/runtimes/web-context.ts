import { join } from 'node:path'
import vm from 'node:vm'
import { build, type Plugin } from 'esbuild'
import { root } from '../suites/source-tree.ts'

const OPTIONAL = /^(?:#.*|unstorage\/drivers\/redis|ioredis|prom-client|rate-limiter-flexible|@opentelemetry\/.*)$/

/** Plug-ins, and what only they or some settings need are loaded on first use: a bare runtime never asks for them. */
const onFirstUse: Plugin = {
  name: 'on-first-use',
  setup({ onResolve }) {
    onResolve({ filter: /./ }, ({ kind, importer, path }) => {
      const isOptional = /[\\/]_modules\.ts$/.test(importer) || OPTIONAL.test(path)
      return kind === 'dynamic-import' && isOptional ? { path, external: true } : undefined
    })
  },
}

/**
 * One script of a module and all it imports, which leaves its exports in the global `bundled`. Fails on an import of
 * anything that the web has not.
 */
export async function bundle(path: string): Promise<string> {
  const result = await build({
    entryPoints: [join(root, path)],
    bundle: true,
    write: false,
    format: 'iife',
    globalName: 'bundled',
    platform: 'browser',
    target: 'es2022',
    conditions: ['import', 'default'],
    logLevel: 'silent',
    plugins: [onFirstUse],
  })
  return result.outputFiles[0]?.text ?? ''
}

const WEB_GLOBALS = [
  ...['AbortController', 'AbortSignal', 'Blob', 'CompressionStream', 'DecompressionStream', 'DOMException', 'Event'],
  ...['EventTarget', 'FormData', 'Headers', 'ReadableStream', 'Request', 'Response', 'TextDecoder'],
  ...['TextDecoderStream', 'TextEncoder', 'TextEncoderStream', 'TransformStream', 'URL', 'URLSearchParams'],
  ...['WritableStream', 'atob', 'btoa', 'clearInterval', 'clearTimeout', 'console', 'crypto', 'fetch', 'performance'],
  ...['queueMicrotask', 'setInterval', 'setTimeout', 'structuredClone'],
  // A context has its own of these, while its streams and encoders make the host's: one kind on both sides.
  ...['ArrayBuffer', 'Uint8Array'],
]

/** A global object with what the web standards give, and nothing of Node's. */
export function webContext(): vm.Context {
  const globals = WEB_GLOBALS.map((name) => [name, Reflect.get(globalThis, name)])
  return vm.createContext(Object.fromEntries(globals))
}
