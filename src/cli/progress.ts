const MEGABYTE = 1_000_000
/** Where nobody watches, a line now and then. */
const LINE_MS = 10_000

export interface Progress {
  add(bytes: number): void
  /** What goes on when no bytes move. */
  say(text: string): void
  stop(): void
}

const silent: Progress = { add: () => {}, say: () => {}, stop: () => {} }

/**
 * Shows how far a transfer is: a bar on a terminal, plain lines elsewhere, on stderr.
 *
 * @param total - Bytes, where known.
 */
export async function showProgress({ total, quiet }: { total?: number; quiet?: boolean }): Promise<Progress> {
  if (quiet) return silent
  return process.stderr.isTTY ? bar(total) : lines(total)
}

async function bar(total: number | undefined): Promise<Progress> {
  const { default: progress } = await import('cli-progress')
  const format =
    total === undefined
      ? '{megabytes} MB | {speed} MB/s | {duration_formatted}'
      : '{bar} {percentage}% | {megabytes}/{size} MB | {speed} MB/s | {eta_formatted} left'
  const shown = new progress.SingleBar(
    { format, stream: process.stderr, hideCursor: true, clearOnComplete: true, etaBuffer: 100 },
    progress.Presets.shades_classic,
  )
  const started = performance.now()
  let bytes = 0
  let running = true
  shown.start(total ?? 1, 0, { megabytes: '0.0', size: megabytes(total ?? 0), speed: '0.0' })
  const stop = () => {
    if (running) shown.stop()
    running = false
  }
  return {
    add(more) {
      bytes += more
      const speed = megabytes(bytes / ((performance.now() - started) / 1000))
      shown.update(total === undefined ? 0 : Math.min(bytes, total), { megabytes: megabytes(bytes), speed })
    },
    say(text) {
      stop()
      process.stderr.write(`${text}\n`)
    },
    stop,
  }
}

function lines(total: number | undefined): Progress {
  const started = performance.now()
  let bytes = 0
  let told = started
  return {
    add(more) {
      bytes += more
      const now = performance.now()
      if (now - told < LINE_MS) return
      told = now
      const share = total ? ` of ${megabytes(total)} MB (${Math.round((100 * bytes) / total)} %)` : ' MB'
      process.stderr.write(`${megabytes(bytes)}${share}, ${megabytes(bytes / ((now - started) / 1000))} MB/s\n`)
    },
    say: (text) => void process.stderr.write(`${text}\n`),
    stop: () => {},
  }
}

/** Bytes as megabytes with one decimal. */
export function megabytes(bytes: number): string {
  return (bytes / MEGABYTE).toFixed(1)
}
