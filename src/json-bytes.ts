/** What the readers of bytes share: JSON as UTF-8. */

const code = (char: string): number => char.charCodeAt(0)
export const QUOTE = code('"')
export const BACKSLASH = code('\\')
export const COLON = code(':')
export const COMMA = code(',')
export const OPEN_BRACE = code('{')
export const CLOSE_BRACE = code('}')
export const OPEN_BRACKET = code('[')
export const CLOSE_BRACKET = code(']')
export const MINUS = code('-')
export const POINT = code('.')
export const ZERO = code('0')
export const SPACE = code(' ')
const TAB = code('\t')
const NEW_LINE = code('\n')
const CARRIAGE_RETURN = code('\r')
const NINE = code('9')
const LOWER_U = code('u')

/** Letters of literals and of the descriptors of DynamoDB. */
export const LOWER_T = code('t')
export const LOWER_F = code('f')
export const LOWER_N = code('n')
export const LETTER_S = code('S')
export const LETTER_N = code('N')
export const LETTER_B = code('B')
export const LETTER_M = code('M')
export const LETTER_L = code('L')
export const TRUE = Buffer.from('true')
export const FALSE = Buffer.from('false')
export const NULL = Buffer.from('null')

/** White space of JSON. */
export const isBlank = (byte: number | undefined): boolean =>
  byte === SPACE || byte === TAB || byte === NEW_LINE || byte === CARRIAGE_RETURN

export const isDigit = (byte: number | undefined): boolean => byte! >= ZERO && byte! <= NINE

/** Whether `bytes[start, end)` is this text. */
export function equals(bytes: Uint8Array, start: number, end: number, text: Uint8Array): boolean {
  const { length } = text
  if (end - start !== length) return false
  for (let i = 0; i < length; i++) if (bytes[start + i] !== text[i]) return false
  return true
}

/** Names by their length, each with what it stands for. */
export type Names = readonly (readonly { readonly name: Uint8Array; readonly id: number }[] | undefined)[]

export function named(ids: Readonly<Record<string, number>>): Names {
  const byLength: { name: Uint8Array; id: number }[][] = []
  for (const [name, id] of Object.entries(ids)) {
    byLength[name.length] ??= []
    byLength[name.length]!.push({ name: Buffer.from(name), id })
  }
  return byLength
}

/** What the name stands for; 0 for any other. */
export function memberOf(names: Names, bytes: Uint8Array, start: number, end: number): number {
  const candidates = names[end - start]
  if (candidates === undefined) return 0
  for (const { name, id } of candidates) if (equals(bytes, start, end, name)) return id
  return 0
}

const SHORT_ESCAPES: ReadonlySet<number | undefined> = new Set([...'"\\/bfnrt'].map(code))

/**
 * Behind the escape that begins at `at`, or behind two that are halves of one character; -1 for what is none, for U+0000 and for
 * half a character alone: what databases refuse.
 */
export function escapeEnd(bytes: Buffer, at: number): number {
  const letter = bytes[at + 1]
  if (SHORT_ESCAPES.has(letter)) return at + 2
  const unit = unitAt(bytes, at)
  if (unit < 0xd800 || unit > 0xdfff) return unit > 0 ? at + 6 : -1
  const next = unit < 0xdc00 ? unitAt(bytes, at + 6) : -1
  return next >= 0xdc00 && next <= 0xdfff ? at + 12 : -1
}

/** The code unit of the escape `\uXXXX` that begins at `at`; -1 for anything else. */
function unitAt(bytes: Buffer, at: number): number {
  if (bytes[at] !== BACKSLASH || bytes[at + 1] !== LOWER_U) return -1
  const digits = bytes.toString('latin1', at + 2, at + 6)
  return /^[0-9A-Fa-f]{4}$/.test(digits) ? Number.parseInt(digits, 16) : -1
}
