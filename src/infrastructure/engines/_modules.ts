// Written by `npm run gen` from the folders beside it. Do not edit.

export const modules = {
  bigquery: () => import('./bigquery/index.ts'),
  duckdb: () => import('./duckdb/index.ts'),
  ducklake: () => import('./ducklake/index.ts'),
} as const

export type ModuleName = keyof typeof modules
