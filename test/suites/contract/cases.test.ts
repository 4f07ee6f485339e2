import { expect, test } from 'vitest'
import { contractCases } from './cases.ts'
import { sectionOf } from './run.ts'

const SECTIONS =
  '1.1 1.2 1.3 1.4 1.5 1.6 1.7 1.8 1.9 2.1 2.2 3.1 3.2 4.1 4.2 4.3 4.4 4.5 4.6 5.1 5.2 5.3 6 7 7.1 7.2 7.3 ' +
  '8.1 8.2 8.3 8.4 8.5 8.6 8.7 8.8 8.9 9.2 9.3 9.5 9.6 9.7 9.8 9.9 9.10 10.2 10.3 10.5'
const ROWS = 59

test('every section of the contract has cases', () => {
  const covered = new Set(contractCases.map(sectionOf))
  expect(SECTIONS.split(' ').filter((section) => !covered.has(`§${section}`))).toEqual([])
})

test('every row of §10.2 has a case', () => {
  const covered = contractCases.map(({ name }) => Number(/^§10\.2 row (\d+):/.exec(name)?.[1]))
  const rows = Array.from({ length: ROWS }, (_, index) => index + 1)
  expect(rows.filter((row) => !covered.includes(row))).toEqual([])
})

test('every big section has a case of the short form', () => {
  const short = contractCases
    .filter(({ name, smoke }) => smoke && name.startsWith('§'))
    .map((row) => Math.trunc(Number(sectionOf(row).slice(1))))
  expect([1, 2, 3, 4, 5, 6, 7, 8, 9, 10].filter((section) => !short.includes(section))).toEqual([])
})

test('names are unique', () => {
  const names = contractCases.map(({ name }) => name)
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([])
})
