import bytes from 'bytes'
import prettyMs from 'pretty-ms'
import { inUrl } from '../http/address.ts'
import type { RunConfig } from './run-schema.ts'

type Name = keyof RunConfig

const DURATIONS: ReadonlySet<Name> = new Set<Name>([
  'keyWait',
  'stallTimeout',
  'drainTimeout',
  'pollInterval',
  'batchWait',
  'tombstoneTtl',
])
const SIZES: ReadonlySet<Name> = new Set<Name>(['memory', 'batchBytes'])

/**
 * What a relay runs with, defaults among it, as options are written. Left out is what has no value or is not asked for, and what others
 * would need to act as the relay. Passwords in URLs are not masked yet.
 */
export function settingsText(config: RunConfig): Record<string, string> {
  const names = Object.keys(config) as Name[]
  return Object.fromEntries(
    names.flatMap((name) => {
      const text = name === 'externalId' ? '' : textOf(name, config)
      return text === '' ? [] : [[dashed(name), text]]
    }),
  )
}

function textOf(name: Name, config: RunConfig): string {
  const value = config[name]
  if (name === 'start') return config.start?.text ?? ''
  if (name === 'http') return config.http === undefined ? '' : inUrl(config.http)
  if (name === 'parkLimit') return `${config.parkLimit.count},${sizeText(config.parkLimit.bytes)}`
  if (name === 'maxDeadLetters') {
    return config.maxDeadLetters === undefined
      ? ''
      : `${config.maxDeadLetters.count}/${prettyMs(config.maxDeadLetters.intervalMs)}`
  }
  if (value === undefined || value === false) return ''
  if (name === 'table') return config.table.map(({ from, to }) => `${from}=${to}`).join(' ')
  // Of these is known what they match, and no longer how they were written.
  if (name === 'key' || name === 'type') return config[name].length === 0 ? '' : `${config[name].length} given`
  if (Array.isArray(value)) return value.join(' ')
  if (typeof value !== 'number') return String(value)
  return DURATIONS.has(name) ? prettyMs(value) : SIZES.has(name) ? sizeText(value) : String(value)
}

/** The library calls 1024 of them a KB. */
const sizeText = (size: number): string =>
  bytes(size)!
    .replace(/B$/, 'iB')
    .replace(/^(\d+)iB$/, '$1B')

const dashed = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
