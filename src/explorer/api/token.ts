import { signal } from '@preact/signals'
import { told } from '../branding.ts'

const KEY = 'datastore-token'

/** The caller's token; it is kept in this tab's session alone, and gone with it. */
export const token = signal(read())

/** Whether the server asks for a token at all. */
export const isOpen = told.open === 'true'

export function setToken(value: string): void {
  token.value = value.trim()
  try {
    if (token.value) sessionStorage.setItem(KEY, token.value)
    else sessionStorage.removeItem(KEY)
  } catch {
    // Storage is turned off: the token lasts until the page is loaded anew.
  }
}

/** The header that carries the token, if there is one. */
export function tokenHeaders(): Record<string, string> {
  return token.value ? { [told.tokenHeader ?? 'Authorization']: token.value } : {}
}

function read(): string {
  try {
    return sessionStorage.getItem(KEY) ?? ''
  } catch {
    return ''
  }
}
