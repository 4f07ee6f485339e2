import { expect, test } from 'vitest'
import { type FileFormat, fileFormats, headerOf } from '../../src/services/file-formats.ts'

const fields = [
  { id: 'a', type: 'int' },
  { id: 'b, c', type: 'text' },
]

test.each([
  ['csv', {}, 'a,"b, c"\r\n'],
  ['csv', { bom: true }, '\ufeffa,"b, c"\r\n'],
  ['tsv', {}, 'a\tb, c\r\n'],
  ['ndjson', {}, ''],
  ['parquet', {}, ''],
  // Their bytes are not the engine's with something before them: nobody may be sent to these.
  ['gzip', {}, undefined],
  ['json', {}, undefined],
  ['xml', {}, undefined],
])('what stands before the rows of %s %o', (name, options, header) => {
  expect(headerOf(fileFormats[name] as FileFormat, fields, options)).toBe(header)
})
