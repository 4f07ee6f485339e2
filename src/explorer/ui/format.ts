import { Digits, type Value } from '../api/json.ts'

/** How a value is written in a cell or a list. */
export function textOf(value: Value | undefined): string {
  if (value === null || value === undefined) return ''
  if (typeof value === 'string') return value
  if (value instanceof Digits) return value.text
  return typeof value === 'object' ? JSON.stringify(value, writeDigits) : String(value)
}

/** A value over several lines, for reading. */
export function prettyText(value: Value | undefined): string {
  if (value === null || typeof value !== 'object' || value instanceof Digits) return textOf(value)
  return JSON.stringify(value, writeDigits, 2)
}

function writeDigits(_key: string, value: unknown): unknown {
  return value instanceof Digits ? value.text : value
}

const NUMERIC = /^(int|float|numeric|serial|bigint|smallint|double|real|decimal)/

export function isNumeric(type: string): boolean {
  return NUMERIC.test(type) && !type.startsWith('interval')
}

export function isTemporal(type: string): boolean {
  return /^(date|timestamp)/.test(type)
}

/** The number that a value stands for; undefined for what is none. */
export function numberOf(value: Value | undefined): number | undefined {
  if (typeof value === 'number') return value
  const text = value instanceof Digits ? value.text : typeof value === 'string' ? value : ''
  const number = Number(text)
  return text.trim() === '' || !Number.isFinite(number) ? undefined : number
}

const whole = new Intl.NumberFormat()

export function count(number: number): string {
  return whole.format(number)
}

export function rows(number: number): string {
  return `${count(number)} ${number === 1 ? 'row' : 'rows'}`
}

export function bytes(number: number): string {
  if (number < 1000) return `${number} B`
  const unit = Math.min(3, Math.floor(Math.log10(number) / 3))
  const shown = number / 1000 ** unit
  return `${shown.toFixed(shown < 10 ? 1 : 0)} ${['B', 'kB', 'MB', 'GB'][unit]}`
}

const day = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' })
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto', style: 'short' })

export function when(date: Date): string {
  return day.format(date)
}

const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['second', 60],
  ['minute', 60],
  ['hour', 24],
  ['day', 30],
  ['month', 12],
  ['year', Number.POSITIVE_INFINITY],
]

/** How long ago, in the largest unit that fits. */
export function ago(date: Date, now = Date.now()): string {
  let amount = Math.min(0, (date.valueOf() - now) / 1000)
  for (const [unit, size] of STEPS) {
    if (Math.abs(amount) < size) return relative.format(Math.round(amount), unit)
    amount /= size
  }
  return when(date)
}

/** A name for a table, from that of a file. */
export function tableNameOf(fileName: string): string {
  const bare = fileName.replace(/\.(gz|csv|tsv|txt|json|ndjson|jsonl|parquet)\b/gi, '')
  return bare
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/[^\w-]+/g, '-')
    .replace(/^[-_]+|-+$/g, '')
    .toLowerCase()
    .slice(0, 60)
}
