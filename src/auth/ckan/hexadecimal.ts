/** Bytes as digits, for keys of the cache: it takes some characters for others, and refuses some. */
export const hexadecimal = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
