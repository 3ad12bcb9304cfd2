import type { Codec } from './codec.ts'

export function uuidCodec(): Codec {
  return {
    travelsAs: 'uuid',
    castTo: null,
    isKeyable: true,
    holds: '32 hexadecimal digits',
    encode(value) {
      if (typeof value !== 'string') return undefined
      if (PLAIN_UUID.test(value)) return `"${value}"`
      if (!ANY_UUID.test(value)) return undefined
      const hex = value.replaceAll(/[{}-]/g, '').toLowerCase()
      return `"${hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')}"`
    },
  }
}

const PLAIN_UUID = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/

/** PostgreSQL takes a hyphen behind any four digits, and braces around all. */
const ANY_UUID = /^(?:(?:[\da-f]{4}-?){7}[\da-f]{4}|\{(?:[\da-f]{4}-?){7}[\da-f]{4}\})$/i
