import type { ValueKind } from '../../../change.ts'
import type { Codec } from './codec.ts'
import { textOrScalar } from './text.ts'

/** Addresses. They travel as they are written: only whether PostgreSQL takes them is found out here. */
export function networkCodec(type: keyof typeof TAKES, given: ValueKind): Codec {
  const { takes, holds } = TAKES[type]
  return {
    travelsAs: type,
    castTo: null,
    isKeyable: false,
    holds,
    encode(value) {
      const text = textOrScalar(value, given)
      return text !== undefined && takes(text) ? JSON.stringify(text) : undefined
    },
  }
}

const TAKES = {
  inet: {
    takes: (text: string) => (text.includes(':') ? bytesOf6(text) : bytesOf4(text)) !== undefined,
    holds: 'addresses of hosts, each with or without a netmask',
  },
  cidr: { takes: isNetwork, holds: 'addresses of networks, without bits behind the netmask' },
  macaddr: { takes: (text: string) => MAC.some((form) => form.test(text)), holds: 'addresses of 6 bytes' },
} as const

const MAC: readonly RegExp[] = [
  /^[\da-f]{1,2}(:[\da-f]{1,2}){5}$/i,
  /^[\da-f]{1,2}(-[\da-f]{1,2}){5}$/i,
  /^[\da-f]{6}[:-]?[\da-f]{6}$/i,
  /^[\da-f]{4}([.-])[\da-f]{4}\1[\da-f]{4}$/i,
]

interface Address {
  readonly bytes: readonly number[]
  /** The netmask; null where none is written. */
  readonly bits: number | null
}

/**
 * As PostgreSQL's `inet_net_pton_ipv4` reads it: a netmask of n bits needs the bytes that it covers, and no netmask all four.
 * https://github.com/postgres/postgres/blob/master/src/port/inet_net_ntop.c, src/backend/utils/adt/inet_net_pton.c
 */
function bytesOf4(text: string): Address | undefined {
  const match = /^(\d+(?:\.\d+){0,3})\.?(?:\/(\d+))?$/.exec(text)
  if (match === null || (match[2] === undefined && text.endsWith('.') && match[1]!.split('.').length < 4))
    return undefined
  const bytes = match[1]!.split('.').map(Number)
  const bits = match[2] === undefined ? null : Number(match[2])
  if (bytes.some((byte) => byte > 255) || (bits === null ? bytes.length < 4 : bits > 32)) return undefined
  return bits !== null && Math.floor(bits / 8) > bytes.length ? undefined : { bytes, bits }
}

function bytesOf6(text: string): Address | undefined {
  const match = /^([^/]*)(?:\/(0|[1-9]\d*))?$/.exec(text)
  if (match === null || Number(match[2] ?? 0) > 128) return undefined
  // In front of a netmask PostgreSQL overlooks a colon, or a point, behind which nothing is written.
  const groups =
    match[2] === undefined ? match[1]! : match[1]!.replace(/(?<=(?:^|:)[\da-f]{1,4}):$/i, '').replace(/\.$/, '.0')
  const bytes = bytesOfGroups(groups)
  return bytes === undefined ? undefined : { bytes, bits: match[2] === undefined ? null : Number(match[2]) }
}

/** `a:b::c`, the last four bytes also as `1.2.3.4`. */
function bytesOfGroups(text: string): readonly number[] | undefined {
  // A byte of which nothing is written is 0.
  const dotted = /^(.*:)((?:\d*\.)+\d+)$/.exec(text)
  const last = dotted === null ? [] : dotted[2]!.split('.').map(Number)
  if (dotted !== null && (/(^|\.)0\d/.test(dotted[2]!) || last.some((byte) => byte > 255) || last.length > 4))
    return undefined
  while (dotted !== null && last.length < 4) last.push(0)
  const groups = dotted === null ? text : dotted[1]!.endsWith('::') ? dotted[1]! : dotted[1]!.slice(0, -1)
  const halves = groups.split('::')
  if (halves.length > 2) return undefined
  const [before, after = []] = halves.map((half) => (half === '' ? [] : half.split(':')))
  const all = [...before!, ...after]
  if (!all.every((group) => /^[\da-f]{1,4}$/i.test(group))) return undefined
  const missing = 16 - 2 * all.length - last.length
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined
  const bytes = (part: readonly string[]): number[] =>
    part.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff])
  return [...bytes(before!), ...new Array<number>(missing).fill(0), ...bytes(after), ...last]
}

/** Where no netmask is written, that of IPv4 follows from the class of the network and from how many bytes are written. */
function isNetwork(text: string): boolean {
  if (text.includes(':')) {
    const address = bytesOf6(text)
    return address !== undefined && hasNoBitsBehind(address.bytes, address.bits ?? 128)
  }
  const match = /^(\d+(?:\.\d+){0,3})(?:\/(\d+))?$/.exec(text)
  if (match === null) return false
  const bytes = match[1]!.split('.').map(Number)
  const bits = match[2] === undefined ? Math.max(8 * bytes.length, bitsOfClass(bytes)) : Number(match[2])
  return bits <= 32 && bytes.every((byte) => byte <= 255) && hasNoBitsBehind(bytes, bits)
}

function bitsOfClass([first]: readonly number[]): number {
  if (first! >= 240) return 32
  if (first! >= 224) return first === 224 ? 4 : 8
  return first! >= 192 ? 24 : first! >= 128 ? 16 : 8
}

const hasNoBitsBehind = (bytes: readonly number[], bits: number): boolean =>
  bytes.every((byte, i) => (byte & (0xff >> Math.max(0, Math.min(8, bits - 8 * i)))) === 0)
