/** The built files of the explorer: see `src/build/site.ts`. Loaded on first use. */
declare module '#explorer-files' {
  export const group: import('./files.ts').Group
}

/** The built files of the page of the API. */
declare module '#docs-files' {
  export const group: import('./files.ts').Group
}
