import { columnType, NotFound, NotImplemented, ServiceUnavailable, StaleSchema, ValidationError } from 'ckan-datastore'

/** How a cell's text becomes what is kept: a form that is equal for equal values, or undefined for no value of the type. */
const READERS = {
  text: (text) => text,
  integer: (text) => (/^\s*[+-]?\d+\s*$/.test(text) ? `${BigInt(text.trim().replace(/^\+/, ''))}` : undefined),
  numeric: (text) => {
    const [, sign, whole, fraction] = /^\s*([+-]?)0*(\d+)(?:\.(\d{0,20}?)0*)?\s*$/.exec(text) ?? []
    if (whole === undefined) return undefined
    return `${sign === '-' && /[1-9]/.test(whole + fraction) ? '-' : ''}${whole}${fraction ? `.${fraction}` : ''}`
  },
}

const KEPT = 'text, int and numeric, without lengths and constraints'

/**
 * All tables as one JSON document at an address: for a handful of small ones, such as code lists. Whatever stands there
 * must answer GET with an ETag, and PUT with If-Match and If-None-Match by 412 when the document is another by now.
 *
 * @param {{ url: string, headers?: Record<string, string> }} options - `headers` go with every request: a token, say.
 * @returns {import('ckan-datastore').Engine}
 */
export default function documents({ url, headers = {} }) {
  let held = { etag: undefined, tables: {} }
  let lastWrite = Promise.resolve()

  async function ask(init, ...fine) {
    const response = await fetch(url, init).catch((cause) => {
      init.signal?.throwIfAborted()
      throw new ServiceUnavailable('The document with the tables can not be reached.', { cause })
    })
    if (response.ok || fine.includes(response.status)) return response
    throw new ServiceUnavailable(`The document with the tables is answered with status ${response.status}.`)
  }

  async function read(signal) {
    const condition = held.etag === undefined ? {} : { 'If-None-Match': held.etag }
    const response = await ask({ headers: { ...headers, ...condition }, signal }, 304, 404)
    if (response.status === 304) return held
    held = response.ok
      ? { etag: response.headers.get('etag') ?? undefined, tables: await response.json() }
      : { etag: undefined, tables: {} }
    return held
  }

  /** One write after the other. `work` changes a copy; what it throws changes nothing. Met by another's write it runs again. */
  function change(work, { signal, dryRun } = {}) {
    const write = async () => {
      for (;;) {
        const { etag, tables } = await read(signal)
        const copy = structuredClone(tables)
        const result = work(copy)
        if (dryRun) return result
        const condition = etag === undefined ? { 'If-None-Match': '*' } : { 'If-Match': etag }
        const init = {
          method: 'PUT',
          headers: { ...headers, ...condition, 'Content-Type': 'application/json' },
          signal,
        }
        const response = await ask({ ...init, body: JSON.stringify(copy) }, 412)
        if (response.ok) return result
      }
    }
    const done = lastWrite.then(write)
    lastWrite = done.catch(() => {})
    return done
  }

  return {
    name: 'documents',
    location: new URL(url).origin,
    supports: {},

    describe: async (name, { signal } = {}) => view(find((await read(signal)).tables, name)),
    async size(id, { signal } = {}) {
      const { tables } = await read(signal)
      return { table: JSON.stringify(tables[id]).length, indexes: 0, total: JSON.stringify(tables).length }
    },
    async list({ after = '', limit }, { signal } = {}) {
      const { tables } = await read(signal)
      const ids = Object.keys(tables).filter((id) => id > after)
      return ids
        .sort()
        .slice(0, limit)
        .map((id) => ({ id, aliases: tables[id].aliases }))
    },

    create: (plan, options) =>
      change((tables) => {
        const stored = own(tables, plan.id)
        if (stored?.schemaRevision !== plan.basedOn) throw new StaleSchema()
        const entry = declare(tables, plan, stored)
        for (const row of entry.rows)
          for (const name of Object.keys(row)) if (!cellsOf(entry).has(name)) delete row[name]
        return insert(entry, plan, 'insert')
      }, options),
    upsert: (plan, { signal } = {}) =>
      change((tables) => insert(current(tables, plan), plan, plan.method), { signal, dryRun: plan.dryRun }),
    delete: (plan, options) => change((tables) => remove(tables, plan), options),

    async search(plan, { signal } = {}) {
      const entry = current((await read(signal)).tables, plan.table)
      const rows = select(entry, plan)
      const page = rows.slice(plan.offset, plan.offset + plan.limit)
      return {
        records: render(page, plan.projection, plan.format),
        rows: page.length,
        ...(plan.includeTotal && { total: rows.length }),
        ...(plan.includeLastId && page.length > 0 && { lastId: `${page.at(-1)._id}` }),
        revision: entry.revision,
      }
    },
    async dump(plan, { signal } = {}) {
      if (plan.format === 'parquet') throw new NotImplemented('The documents engine writes no Parquet.')
      const entry = current((await read(signal)).tables, plan.table)
      const page = select(entry, plan).slice(plan.offset, plan.offset + (plan.limit ?? entry.rows.length))
      const { before = '', after = '' } = plan.line ?? {}
      const format = plan.format === 'ndjson' ? 'objects' : plan.format
      const lines = page.map((row) => textOf(row, plan.projection, format))
      const isText = format === 'csv' || format === 'tsv'
      const text = lines.map((line) => (isText ? line : `${before}${line}${after}\n`)).join('')
      return { kind: 'stream', stream: new Blob([text]).stream(), revision: entry.revision }
    },

    receive: async () => unable('loads no files'),
    parquetColumns: async () => unable('loads no files'),
    load: async () => unable('loads no files'),
    inspectSql: async () => unable('runs no SQL'),
    runSql: async () => unable('runs no SQL'),

    healthcheck: async ({ signal } = {}) => void (await read(signal)),
    close: () => lastWrite,
  }
}

function unable(what) {
  throw new NotImplemented(`The documents engine ${what}.`)
}

const own = (tables, id) => (Object.hasOwn(tables, id) ? tables[id] : undefined)
const find = (tables, name) => own(tables, name) ?? Object.values(tables).find(({ aliases }) => aliases.includes(name))
const typed = (column) => ({ ...column, type: columnType(column.declaredType) })
const view = (entry) => {
  if (!entry) return undefined
  const { rows, nextId, ...table } = entry
  return { ...table, columns: table.columns.map(typed), count: rows.length }
}

/** The table as the plan knows it, or the service must plan again. */
function current(tables, { id, basedOn, schemaRevision = basedOn }) {
  const entry = own(tables, id)
  if (!entry || entry.schemaRevision !== schemaRevision) throw new StaleSchema()
  return entry
}

function declare(tables, plan, stored) {
  const { id, primaryKey, indexes, schemaProperties, hasUpdatedAt } = plan
  for (const { name, type, field } of plan.columns) {
    if (READERS[type.type.family] && !type.array && !type.modifier && !field.constraints) continue
    throw new NotImplemented(`The documents engine keeps ${KEPT}: column "${name}" is none of these.`)
  }
  if (hasUpdatedAt) unable('keeps no _updated_at')
  const aliases = plan.aliases ?? stored?.aliases ?? []
  for (const alias of aliases) {
    if (alias === id || (find(tables, alias) ?? stored) !== stored)
      throw new ValidationError({ alias: [`"${alias}" already exists`] })
  }
  const columns = plan.columns.map(({ type, ...column }) => column)
  const now = new Date().toISOString()
  // A table that is dropped and made again must not have a revision that it had before.
  const start = { createdAt: now, revision: Date.now(), schemaRevision: Date.now(), nextId: 1, rows: [] }
  const entry = { ...start, ...stored, id, aliases, columns, primaryKey, indexes, schemaProperties, hasUpdatedAt }
  entry.schemaRevision += 1
  tables[id] = entry
  const readers = cellsOf(entry)
  entry.rows.forEach((row, index) => {
    for (const [name, text] of Object.entries(row)) if (readers.has(name)) row[name] = cell(readers, name, text, index)
  })
  return entry
}

/** By the name of each of the user's columns, how its cells are read. */
const cellsOf = ({ columns }) => new Map(columns.map(typed).map(({ name, type: { type } }) => [name, type]))

/** The value as it is kept; 409 with its row and column where it is none. */
function cell(cells, name, value, row) {
  if (value === null) return null
  const type = cells.get(name)
  const kept = READERS[type.family](`${value}`)
  const [least, most] = type.range ?? []
  if (kept !== undefined && !(least !== undefined && (BigInt(kept) < least || BigInt(kept) > most))) return kept
  const sentence = `invalid input syntax for type ${type.nativeName}: "${value}"`
  throw new ValidationError({ records: [sentence], records_row: row, records_column: name })
}

/** Records into a table: every one, or an error that says which is bad. */
function insert(entry, { records, includeRecords }, method) {
  const cells = cellsOf(entry)
  const lines = (records?.ndjson ?? [])
    .map((piece) => new TextDecoder().decode(piece))
    .join('')
    .split('\n')
  const keyOf = (row) => JSON.stringify(entry.primaryKey.map((name) => row[name] ?? null))
  const byKey = new Map(entry.primaryKey.length > 0 ? entry.rows.map((row) => [keyOf(row), row]) : [])
  const changed = lines.filter(Boolean).map((line, index) => {
    const given = Object.entries(JSON.parse(line))
    const record = Object.fromEntries(
      given.map(([name, value]) => [name, name === '_id' ? Number(value) : cell(cells, name, value, index)]),
    )
    const known = record._id === undefined ? byKey.get(keyOf(record)) : entry.rows.find(({ _id }) => _id === record._id)
    if (known && method !== 'insert') return Object.assign(known, record)
    if (method === 'update' || record._id !== undefined) {
      const key = record._id ?? entry.primaryKey.map((name) => record[name]).join(', ')
      throw new ValidationError({ key: [`key "{${key}}" not found`], records_row: index })
    }
    const sentence = `duplicate key value violates unique constraint "${entry.id}_primary_key"`
    if (known) throw new ValidationError({ records: [sentence], records_row: index })
    const row = { ...record, _id: entry.nextId }
    entry.nextId += 1
    entry.rows.push(row)
    if (entry.primaryKey.length > 0) byKey.set(keyOf(row), row)
    return row
  })
  if (entry.primaryKey.length > 0 && new Set(entry.rows.map(keyOf)).size < entry.rows.length)
    throw new ValidationError({ primary_key: ['the rows are not unique by it'] })
  return written(entry, changed.length, includeRecords && { records: render(changed, includeRecords, 'objects') })
}

function remove(tables, plan) {
  if (plan.what === 'table') {
    const entry = own(tables, plan.id)
    if (!entry) throw new NotFound(`Resource "${plan.id}" was not found.`)
    delete tables[plan.id]
    return { table: undefined, affected: entry.rows.length, warnings: [] }
  }
  const entry = current(tables, plan)
  if (plan.what === 'columns') {
    const stays = (name) => !plan.columns.includes(name)
    entry.columns = entry.columns.filter(({ name }) => stays(name))
    entry.indexes = entry.indexes.filter((names) => names.every(stays))
    entry.schemaRevision += 1
    for (const row of entry.rows) for (const name of plan.columns) delete row[name]
    return written(entry, 0)
  }
  const isGone = (row) => passes(plan.filter, row)
  const gone = entry.rows.filter(isGone)
  entry.rows = entry.rows.filter((row) => !isGone(row))
  const { columns, limit } = plan.includeDeleted ?? {}
  return written(entry, gone.length, columns && { records: render(gone.slice(0, limit), columns, 'objects') })
}

function written(entry, affected, more) {
  entry.revision += 1
  entry.updatedAt = new Date().toISOString()
  return { table: view(entry), affected, warnings: [], ...more }
}

/** A number that sorts decimals of up to 20 places exactly. */
const scaled = (text) => {
  const [whole, fraction = ''] = text.split('.')
  return BigInt(whole + fraction.padEnd(20, '0'))
}

function compare({ name, type }, a, b) {
  if (name !== '_id' && type.type.family === 'text') return a < b ? -1 : a > b ? 1 : 0
  const [left, right] = [scaled(`${a}`), scaled(`${b}`)]
  return left < right ? -1 : left > right ? 1 : 0
}

function passes(filter, row) {
  if (!filter) return true
  const { op, filters, column } = filter
  if (op === 'and') return filters.every((part) => passes(part, row))
  if (op === 'or') return filters.some((part) => passes(part, row))
  const value = row[column.name] ?? null
  const order = (text) => compare(column, value, READERS[column.type.type.family](text) ?? text)
  const equals = (text) => (text === null || value === null ? text === value : order(text) === 0)
  if (op === 'in') return filter.values.some(equals)
  if (op === 'eq') return equals(filter.value)
  if (value === null) return false
  const at = order(filter.value)
  return { lt: at < 0, lte: at <= 0, gt: at > 0, gte: at >= 0 }[op]
}

/** The rows that a search or a dump is about, in its order. */
function select({ rows }, { filter, textQueries, sort, distinct, projection }) {
  if (textQueries.length > 0) unable('has no full-text search')
  const keys = distinct && sort.length === 0 ? projection.map((by) => ({ by })) : sort
  const found = rows.filter((row) => passes(filter, row))
  found.sort((a, b) => {
    for (const { by, descending, nulls = descending ? 'first' : 'last' } of keys) {
      const [left, right] = [a[by.name] ?? null, b[by.name] ?? null]
      const isNull = Number(left === null) - Number(right === null)
      const order = isNull !== 0 ? (nulls === 'last' ? isNull : -isNull) : left === null ? 0 : compare(by, left, right)
      if (order !== 0) return isNull === 0 && descending ? -order : order
    }
    return a._id - b._id
  })
  return distinct ? [...new Map(found.map((row) => [textOf(row, projection, 'lists'), row])).values()] : found
}

/** Rows in one of the formats of `SearchPlan`. */
function render(rows, columns, format) {
  const isText = format === 'csv' || format === 'tsv'
  return new TextEncoder().encode(rows.map((row) => textOf(row, columns, format)).join(isText ? '' : ','))
}

function textOf(row, columns, format) {
  const cells = columns.map((column) => [column, row[column.name] ?? null])
  if (format === 'csv' || format === 'tsv') {
    const mark = format === 'csv' ? ',' : '\t'
    const quoted = (text) =>
      text === '' || /["\r\n\t,]/.test(text.replaceAll(mark === ',' ? '\t' : ',', ''))
        ? `"${text.replaceAll('"', '""')}"`
        : text
    return `${cells.map(([, value]) => (value === null ? '' : quoted(`${value}`))).join(mark)}\n`
  }
  const json = cells.map(([{ name, type }, value]) =>
    value === null ? 'null' : name !== '_id' && type.type.family === 'text' ? JSON.stringify(value) : `${value}`,
  )
  if (format === 'lists') return `[${json.join(',')}]`
  return `{${cells.map(([{ name }], index) => `${JSON.stringify(name)}:${json[index]}`).join(',')}}`
}
