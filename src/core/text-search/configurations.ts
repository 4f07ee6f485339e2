import { stopWords } from './stop-words.ts'

/** How the words of a language are compared: PostgreSQL's text-search configuration of that name. */
export interface Configuration {
  readonly name: string
  /** Whether words are compared by their stems: false for `simple`. */
  readonly stems: boolean
  /** The lexeme of a token. A token with a digit in it is its own lexeme in every language, as in PostgreSQL. */
  lexeme(token: string): string
  isStopWord(token: string): boolean
  /**
   * What every token of this lexeme (of one that starts with it, too) starts with. Undefined: nothing can be said.
   * When `folded`, that holds after marks are taken off the token.
   */
  head(lexeme: string): { text: string; folded: boolean } | undefined
}

type Stem = (word: string) => string

interface Language {
  /** ISO 639-1, which loaders send in place of the name. */
  iso: string
  load: () => Promise<{ stem: Stem }>
  head?: Configuration['head']
}

const orama = (module: { stemmer: Stem }) => ({ stem: module.stemmer })

/** Porter2 exchanges at most the last letter (`happy` → `happi`), but for `dying` and its like. */
const englishHead: Configuration['head'] = (lexeme) => {
  const kept = /^[dlt]ie$/.test(lexeme) ? 1 : Math.max(1, lexeme.length - 1)
  return { text: lexeme.slice(0, kept), folded: false }
}

/** The stemmer takes marks off and changes endings, never the first letter. */
const firstLetter: Configuration['head'] = (lexeme) => {
  const [text] = lexeme.normalize('NFD')
  return text === undefined ? undefined : { text, folded: true }
}

/** As `firstLetter`, but a token may begin with the `ß` that became `ss`. */
const germanHead: Configuration['head'] = (lexeme) => (lexeme.startsWith('s') ? undefined : firstLetter(lexeme))

const languages: Readonly<Record<string, Language>> = {
  arabic: { iso: 'ar', load: () => import('@orama/stemmers/arabic').then(orama) },
  armenian: { iso: 'hy', load: () => import('@orama/stemmers/armenian').then(orama), head: firstLetter },
  danish: { iso: 'da', load: () => import('@orama/stemmers/danish').then(orama), head: firstLetter },
  dutch: { iso: 'nl', load: () => import('@orama/stemmers/dutch').then(orama), head: firstLetter },
  english: {
    iso: 'en',
    load: () => import('wink-porter2-stemmer').then((module) => ({ stem: module.default })),
    head: englishHead,
  },
  finnish: { iso: 'fi', load: () => import('@orama/stemmers/finnish').then(orama), head: firstLetter },
  french: { iso: 'fr', load: () => import('@orama/stemmers/french').then(orama), head: firstLetter },
  german: { iso: 'de', load: () => import('@orama/stemmers/german').then(orama), head: germanHead },
  greek: { iso: 'el', load: () => import('@orama/stemmers/greek').then(orama) },
  hindi: { iso: 'hi', load: () => import('@orama/stemmers/indian').then(orama), head: firstLetter },
  hungarian: { iso: 'hu', load: () => import('@orama/stemmers/hungarian').then(orama), head: firstLetter },
  indonesian: { iso: 'id', load: () => import('@orama/stemmers/indonesian').then(orama) },
  irish: { iso: 'ga', load: () => import('@orama/stemmers/irish').then(orama) },
  italian: { iso: 'it', load: () => import('@orama/stemmers/italian').then(orama), head: firstLetter },
  lithuanian: { iso: 'lt', load: () => import('@orama/stemmers/lithuanian').then(orama) },
  nepali: { iso: 'ne', load: () => import('@orama/stemmers/nepali').then(orama), head: firstLetter },
  norwegian: { iso: 'no', load: () => import('@orama/stemmers/norwegian').then(orama), head: firstLetter },
  portuguese: { iso: 'pt', load: () => import('@orama/stemmers/portuguese').then(orama), head: firstLetter },
  romanian: { iso: 'ro', load: () => import('@orama/stemmers/romanian').then(orama), head: firstLetter },
  russian: { iso: 'ru', load: () => import('@orama/stemmers/russian').then(orama), head: firstLetter },
  serbian: { iso: 'sr', load: () => import('@orama/stemmers/serbian').then(orama) },
  spanish: { iso: 'es', load: () => import('@orama/stemmers/spanish').then(orama), head: firstLetter },
  swedish: { iso: 'sv', load: () => import('@orama/stemmers/swedish').then(orama), head: firstLetter },
  tamil: { iso: 'ta', load: () => import('@orama/stemmers/tamil').then(orama) },
  turkish: { iso: 'tr', load: () => import('@orama/stemmers/turkish').then(orama) },
}

const simple: Configuration = {
  name: 'simple',
  stems: false,
  lexeme: (token) => token,
  isStopWord: () => false,
  head: (lexeme) => ({ text: lexeme, folded: false }),
}

/** The names a `language` parameter may have, ISO codes aside. */
export const configurationNames: readonly string[] = ['simple', ...Object.keys(languages)]

const loaded = new Map<string, Promise<Configuration>>([['simple', Promise.resolve(simple)]])

/**
 * The configuration of this name, in any case, or of this ISO 639-1 code (`en`); undefined when there is none
 * (contract §6: 409 `Invalid query`). The stemmer of a language is loaded when it is first asked for.
 */
export function findConfiguration(language: string): Promise<Configuration> | undefined {
  const name = configurationName(language)
  if (name === undefined) return undefined
  let configuration = loaded.get(name)
  if (!configuration) {
    configuration = load(name)
    loaded.set(name, configuration)
  }
  return configuration
}

/** The full name of what `language` names, or undefined. */
export function configurationName(language: string): string | undefined {
  const name = language
    .trim()
    .toLowerCase()
    .replace(/^pg_catalog\./, '')
  if (configurationNames.includes(name)) return name
  return Object.keys(languages).find((key) => languages[key]?.iso === name)
}

async function load(name: string): Promise<Configuration> {
  const language = languages[name] as Language
  const { stem } = await language.load()
  const stops = stopWords(name)
  return {
    name,
    stems: true,
    lexeme: (token) => (token.length > LONGEST_STEMMED || hasDigit.test(token) ? token : stem(token) || token),
    isStopWord: (token) => stops.has(token),
    head: (lexeme) => (hasDigit.test(lexeme) ? { text: lexeme, folded: false } : language.head?.(lexeme)),
  }
}

/** A longer token is no word of any language, and stemmers take time that grows with its square. */
const LONGEST_STEMMED = 64

const hasDigit = /\p{N}/u
