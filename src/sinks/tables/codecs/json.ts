import { toJson, type ValueKind } from '../../../change.ts'
import type { Codec } from './codec.ts'
import { fitsJsonb } from './number.ts'

/**
 * JSON columns. The document travels as text, digits and all, and is cast: a JSON null in a recordset would be SQL NULL.
 * Textual values (DMS) are documents as text; a typed text (DynamoDB) is a document that is a text.
 */
export function jsonCodec(type: 'json' | 'jsonb', given: ValueKind): Codec {
  return {
    travelsAs: 'text',
    castTo: type,
    isKeyable: false,
    holds: 'JSON texts',
    encode(value) {
      if (given === 'textual' && typeof value === 'string') {
        return isJson(value) && isTaken(value, type) ? JSON.stringify(value) : undefined
      }
      const text = toJson(value)
      return isTaken(text, type) ? JSON.stringify(text) : undefined
    },
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/**
 * PostgreSQL nests as deep as its stack allows: some thousands, a fifth of that where it runs inside of another process.
 * The decoders allow as many as this.
 */
const MAX_DEPTH = 1000

/** Whether PostgreSQL takes what JSON.parse took: `jsonb` not U+0000, half surrogate pairs or numbers beyond numeric's limits. */
function isTaken(json: string, type: 'json' | 'jsonb'): boolean {
  if (json.length <= MAX_DEPTH && (type === 'json' || !/\\u|\d[eE]/.test(json))) return true
  return type === 'json' ? !isTooDeep(json) : isTakenAsJsonb(json)
}

function isTooDeep(json: string): boolean {
  let depth = 0
  for (let at = 0; at < json.length; at++) {
    const code = json.charCodeAt(at)
    if (code === QUOTE) at = endOfText(json, at)
    else depth += depthAt(code)
    if (depth > MAX_DEPTH) return true
  }
  return false
}

function isTakenAsJsonb(json: string): boolean {
  let depth = 0
  for (let at = 0; at < json.length; at++) {
    const code = json.charCodeAt(at)
    if (code === QUOTE) {
      const end = endOfText(json, at)
      if (!hasWholeEscapes(json.slice(at, end))) return false
      at = end
    } else if (code >= ZERO && code <= NINE) {
      const token = numberAt(json, at)
      if (!fitsJsonb(token)) return false
      at += token.length - 1
    } else depth += depthAt(code)
    if (depth > MAX_DEPTH) return false
  }
  return true
}

/** By how much the nesting changes behind the character. */
function depthAt(code: number): number {
  if (code === OPEN_ARRAY || code === OPEN_OBJECT) return 1
  return code === CLOSE_ARRAY || code === CLOSE_OBJECT ? -1 : 0
}

const [QUOTE, BACKSLASH, ZERO, NINE] = [0x22, 0x5c, 0x30, 0x39]
const [OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d]

/** Where the quote stands that ends the text that begins at `start`. */
function endOfText(json: string, start: number): number {
  let at = start + 1
  for (let code = json.charCodeAt(at); code !== QUOTE; code = json.charCodeAt(at)) at += code === BACKSLASH ? 2 : 1
  return at
}

function numberAt(json: string, start: number): string {
  NUMBER.lastIndex = start
  return NUMBER.exec(json)![0]
}

const NUMBER = /[\d.eE+-]+/y

/** Every `\uXXXX` is a character, or half of one whose other half stands beside it in the same form. */
function hasWholeEscapes(text: string): boolean {
  if (!text.includes('\\u')) return true
  for (const [, isPair, hex] of text.matchAll(ESCAPES)) {
    if (isPair === undefined && hex !== undefined && /^(?:0000|d[89a-f]..)$/i.test(hex)) return false
  }
  return true
}

const ESCAPES = /\\(?:(u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2})|u([\da-fA-F]{4})|.)/gs
