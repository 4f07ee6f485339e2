import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { configurationDocs } from '../../src/build/configuration-docs.ts'
import { readConfig, settingRows } from '../../src/core/config.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

describe('the docs of the settings are what the schema says', () => {
  for (const { path, text } of configurationDocs(root)) {
    test(path, () => expect(readFileSync(`${root}/${path}`, 'utf8')).toBe(text))
  }
})

describe('.env.example', () => {
  const example = readFileSync(`${root}/.env.example`, 'utf8')
  const lines = [...example.matchAll(/^#([A-Z0-9_]+)=(.*)$/gm)].map(([, name = '', value = '']) => ({ name, value }))

  test('has every setting once', () => {
    expect(lines.map(({ name }) => name).sort()).toEqual(settingRows.map(({ schema }) => schema.env).sort())
  })

  for (const { name, value } of lines.filter(({ value }) => value !== '')) {
    test(`${name}=${value} is a value that it takes`, () => {
      expect(() => readConfig({ AUTH_TYPE: 'anonymous', [name]: value })).not.toThrow()
    })
  }
})
