// Written by `npm run gen` from the folders beside it. Do not edit.

export const modules = {
  anonymous: () => import('./anonymous/index.ts'),
  ckan: () => import('./ckan/index.ts'),
  jwt: () => import('./jwt/index.ts'),
} as const

export type ModuleName = keyof typeof modules
