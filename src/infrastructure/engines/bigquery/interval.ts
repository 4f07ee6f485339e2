import { parseDecimal } from '../sql/decimal.ts'

/** An interval: none of the three is turned into another. */
interface Interval {
  months: bigint
  days: bigint
  microseconds: bigint
}

const DAY = 86_400_000_000n
const HOUR = 3_600_000_000n
const MINUTE = 60_000_000n
const SECOND = 1_000_000n

/** How much one of each unit is, and the words for it. */
const UNITS: readonly (readonly [part: keyof Interval, amount: bigint, words: readonly string[]])[] = [
  ['months', 12_000n, ['mil', 'mils', 'millennium', 'millennia']],
  ['months', 1200n, ['c', 'cent', 'century', 'centuries']],
  ['months', 120n, ['dec', 'decs', 'decade', 'decades']],
  ['months', 12n, ['y', 'yr', 'yrs', 'year', 'years']],
  ['months', 3n, ['quarter', 'quarters']],
  ['months', 1n, ['mon', 'mons', 'month', 'months']],
  ['days', 7n, ['w', 'week', 'weeks']],
  ['days', 1n, ['d', 'day', 'days']],
  ['microseconds', HOUR, ['h', 'hr', 'hrs', 'hour', 'hours']],
  ['microseconds', MINUTE, ['m', 'min', 'mins', 'minute', 'minutes']],
  ['microseconds', SECOND, ['s', 'sec', 'secs', 'second', 'seconds']],
  ['microseconds', 1000n, ['ms', 'msec', 'msecs', 'millisecond', 'milliseconds']],
  ['microseconds', 1n, ['us', 'usec', 'usecs', 'microsecond', 'microseconds']],
]

const WORDS = new Map(UNITS.flatMap(([part, amount, words]) => words.map((word) => [word, { part, amount }] as const)))

/** What a fraction of one part is counted in: half a month is 15 days. */
const SMALLER = { months: ['days', 30n], days: ['microseconds', DAY] } as const

const WHOLE = /^(?:@\s?)?((?:-?\d+(?:\.\d+)?\s?[a-z]+\s?)*)(?:(-?)(\d+):([0-5]?\d)(?::([0-5]?\d(?:\.\d+)?))?)?( ?ago)?$/
const COUNTED = /(-?\d+(?:\.\d+)?)\s?([a-z]+)/g

/**
 * The one form of an interval, as DuckDB reads it and the other engines keep it: `1 day 02:00`, `26 hours` →
 * `1 day 02:00:00`, `26:00:00`. A text that is written in another way (ISO 8601's `P1Y2M`) stays as it is.
 */
export function intervalText(text: string): string {
  const words = text.toLowerCase().replace(/\s+/g, ' ')
  const interval = readInterval(/^-?\d+(\.\d+)?$/.test(words) ? `${words} seconds` : words)
  return interval ? formatInterval(interval) : text
}

function readInterval(text: string): Interval | undefined {
  const match = WHOLE.exec(text)
  const [, counted = '', sign, hours, minutes = '0', seconds = '0', ago] = match ?? []
  if (!match || (counted === '' && hours === undefined)) return undefined
  const interval: Interval = { months: 0n, days: 0n, microseconds: 0n }
  for (const [, number = '', word = ''] of counted.matchAll(COUNTED)) {
    const unit = WORDS.get(word)
    if (!unit) return undefined
    addCounted(interval, number, unit)
  }
  if (hours !== undefined) {
    const clock = BigInt(hours) * HOUR + BigInt(minutes) * MINUTE + scaled(seconds, SECOND).whole
    interval.microseconds += sign === '-' ? -clock : clock
  }
  const { months, days, microseconds } = interval
  return ago === undefined ? interval : { months: -months, days: -days, microseconds: -microseconds }
}

function addCounted(
  interval: Interval,
  number: string,
  { part, amount }: { part: keyof Interval; amount: bigint },
): void {
  const { whole, rest, divisor } = scaled(number, amount)
  interval[part] += whole
  // Part of a year is whole months.
  if (part === 'microseconds' || (part === 'months' && amount > 1n)) return
  const [smaller, each] = SMALLER[part]
  interval[smaller] += (rest * each) / divisor
}

/** `number × amount`: what is whole of it, and the rest as `rest / divisor`. */
function scaled(number: string, amount: bigint): { whole: bigint; rest: bigint; divisor: bigint } {
  const { digits, scale } = parseDecimal(number) ?? { digits: 0n, scale: 0 }
  const divisor = 10n ** BigInt(scale)
  return { whole: (digits * amount) / divisor, rest: (digits * amount) % divisor, divisor }
}

function formatInterval({ months, days, microseconds }: Interval): string {
  const parts = [counted(months / 12n, 'year'), counted(months % 12n, 'mon'), counted(days, 'day')]
  const text = parts.filter((part) => part !== '').join(' ')
  return microseconds === 0n && text !== '' ? text : `${text} ${clockText(microseconds)}`.trim()
}

function counted(value: bigint, unit: string): string {
  return value === 0n ? '' : `${value} ${unit}${value === 1n || value === -1n ? '' : 's'}`
}

function clockText(microseconds: bigint): string {
  const size = microseconds < 0n ? -microseconds : microseconds
  const fraction = String(size % SECOND)
    .padStart(6, '0')
    .replace(/0+$/, '')
  const [hours, minutes, seconds] = [size / HOUR, (size / MINUTE) % 60n, (size / SECOND) % 60n].map((value) =>
    String(value).padStart(2, '0'),
  )
  return `${microseconds < 0n ? '-' : ''}${hours}:${minutes}:${seconds}${fraction && `.${fraction}`}`
}
