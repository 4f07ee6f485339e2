/** A range of addresses: the first address as bytes (4 or 16), and how many of its leading bits count. */
export interface AddressRange {
  bytes: readonly number[]
  bits: number
}

/** `localhost`, `127.x.x.x` or `::1`, with or without brackets: an address that only this machine reaches. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[|\]$/g, '')
  if (name === 'localhost' || name.endsWith('.localhost')) return true
  const bytes = addressBytes(name)
  if (!bytes) return false
  return bytes.length === 4 ? bytes[0] === 127 : bytes.every((byte, index) => byte === (index === 15 ? 1 : 0))
}

/** `10.0.0.0/8`, `fd00::/8`, or one address → a range; undefined for anything else. */
export function parseRange(text: string): AddressRange | undefined {
  const [address = '', prefix, ...rest] = text.trim().split('/')
  const bytes = addressBytes(address)
  if (!bytes || rest.length > 0) return undefined
  if (prefix === undefined) return { bytes, bits: bytes.length * 8 }
  const bits = /^\d{1,3}$/.test(prefix) ? Number(prefix) : Number.NaN
  return bits <= bytes.length * 8 ? { bytes, bits } : undefined
}

/** Whether an address lies in one of the ranges. An IPv4 address mapped into IPv6 counts as the IPv4 address. */
export function isInRanges(address: string, ranges: readonly AddressRange[]): boolean {
  const bytes = addressBytes(address)
  return bytes !== undefined && ranges.some((range) => sharesPrefix(bytes, range))
}

function sharesPrefix(bytes: readonly number[], range: AddressRange): boolean {
  if (bytes.length !== range.bytes.length) return false
  return bytes.every((byte, index) => {
    const counted = Math.min(8, Math.max(0, range.bits - index * 8))
    const mask = (0xff << (8 - counted)) & 0xff
    return (byte & mask) === ((range.bytes[index] ?? 0) & mask)
  })
}

/** `192.0.2.1:5555`, `[2001:db8::1]` or `[2001:db8::1]:443` → the address alone; undefined for what is none. */
export function plainAddress(text: string): string | undefined {
  const [, inBrackets, ipv4] = /^(?:\[([^\]]+)\]|([\d.]+))(?::\d{1,5})?$/.exec(text) ?? []
  const address = inBrackets ?? ipv4 ?? text
  return addressBytes(address) && address
}

/**
 * An address with all but its first bits zero, as `192.0.2.0` or `2001:db8:0:0:0:0:0:0`: a network's, not a person's. A
 * text that is no address becomes an empty one.
 */
export function truncateAddress(address: string, bits: { ipv4: number; ipv6: number }): string {
  const bytes = addressBytes(address)
  if (!bytes) return ''
  const kept = bytes.length === 4 ? bits.ipv4 : bits.ipv6
  const left = bytes.map((byte, index) => byte & ((0xff << (8 - Math.min(8, Math.max(0, kept - index * 8)))) & 0xff))
  if (left.length === 4) return left.join('.')
  const groups = Array.from({ length: 8 }, (_, at) => ((left[2 * at] ?? 0) << 8) | (left[2 * at + 1] ?? 0))
  return groups.map((group) => group.toString(16)).join(':')
}

/** The 4 or 16 bytes of an address; undefined when it is none. */
function addressBytes(address: string): number[] | undefined {
  if (!address.includes(':')) return ipv4Bytes(address)
  const bytes = ipv6Bytes(address.replace(/%.*$/, ''))
  const isMapped = bytes?.slice(0, 12).every((byte, index) => byte === (index < 10 ? 0 : 0xff))
  return isMapped ? bytes?.slice(12) : bytes
}

function ipv4Bytes(address: string): number[] | undefined {
  const parts = address.split('.')
  if (parts.length !== 4 || parts.some((part) => !/^(0|[1-9]\d{0,2})$/.test(part))) return undefined
  const bytes = parts.map(Number)
  return bytes.every((byte) => byte <= 255) ? bytes : undefined
}

function ipv6Bytes(address: string): number[] | undefined {
  const [head = '', tail, ...rest] = address.split('::')
  if (rest.length > 0) return undefined
  const left = groupBytes(head)
  const right = groupBytes(tail ?? '')
  if (!left || !right) return undefined
  const missing = 16 - left.length - right.length
  if (tail === undefined ? missing !== 0 : missing < 2) return undefined
  return [...left, ...Array<number>(missing).fill(0), ...right]
}

/** `ff:1` → `[0, 255, 0, 1]`; the last group may be an IPv4 address. */
function groupBytes(text: string): number[] | undefined {
  if (text === '') return []
  const bytes: number[] = []
  const groups = text.split(':')
  for (const [index, group] of groups.entries()) {
    const ipv4 = index === groups.length - 1 ? ipv4Bytes(group) : undefined
    if (ipv4) bytes.push(...ipv4)
    else if (/^[0-9a-f]{1,4}$/i.test(group))
      bytes.push(Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff)
    else return undefined
  }
  return bytes
}
