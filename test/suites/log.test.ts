import { getLogger } from '@logtape/logtape'
import { describe, expect, test, vi } from 'vitest'
import { createLogger, type Logger, type LogRecord } from '../../src/core/log.ts'

function collect(logLevel: 'DEBUG' | 'INFO' | 'WARNING' | 'ERROR' | 'CRITICAL') {
  const records: LogRecord[] = []
  return { records, logger: createLogger({ logLevel }, (record) => records.push(record)) }
}

describe('levels', () => {
  const cases = [
    ['DEBUG', 'debug info warning error fatal'],
    ['INFO', 'info warning error fatal'],
    ['WARNING', 'warning error fatal'],
    ['ERROR', 'error fatal'],
    ['CRITICAL', 'fatal'],
  ] as const
  for (const [level, logged] of cases) {
    test(`LOG_LEVEL=${level}: ${logged}`, () => {
      const { records, logger } = collect(level)
      for (const method of ['debug', 'info', 'warning', 'error', 'fatal'] as const) logger[method]('Said.')
      expect(records.map((record) => record.level).join(' ')).toBe(logged)
    })
  }
})

test('two loggers of one process keep their own level, sink and context', () => {
  const [loud, quiet] = [collect('DEBUG'), collect('ERROR')]
  loud.logger.with({ requestId: 'a' }).debug('One.', { ms: 1 })
  quiet.logger.debug('Two.')
  quiet.logger.error('Three.')
  expect(loud.records.map((record) => record.properties)).toEqual([{ requestId: 'a', ms: 1 }])
  expect(quiet.records.map((record) => record.rawMessage)).toEqual(['Three.'])
})

test('a record is one JSON line, its facts at the top', () => {
  const written = vi.spyOn(console, 'log').mockImplementation(() => {})
  try {
    createLogger({ logLevel: 'INFO' }).info('Two\nlines {ms}', { ms: 3, error: new Error('Broken.') })
    const [line] = written.mock.calls[0] as [string]
    expect(line).not.toContain('\n')
    expect(JSON.parse(line)).toMatchObject({
      level: 'INFO',
      message: 'Two\nlines {ms}',
      ms: 3,
      error: { message: 'Broken.' },
      '@timestamp': expect.stringMatching(/^\d{4}-.*Z$/),
    })
  } finally {
    written.mockRestore()
  }
})

test('what is called a secret is not written', () => {
  const { records, logger } = collect('INFO')
  logger.info('Said.', { Authorization: 'x', jwtSecret: 'x', apiKey: 'x', token: 'x', 'set-cookie': 'x', route: '/' })
  expect(Object.entries(records[0]?.properties ?? {}).filter(([, value]) => value !== '[redacted]')).toEqual([
    ['route', '/'],
  ])
})

test('a LogTape logger can be handed in as it is', () => {
  const logger: Logger = getLogger('a host')
  expect(() => logger.with({ a: 1 }).info('Said.')).not.toThrow()
})
