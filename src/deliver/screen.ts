import {
  Binary,
  type Change,
  type Decoded,
  Numeric,
  newRow,
  plainChange,
  type RawRecord,
  type Row,
  type StreamChange,
  type Value,
} from '../change.ts'
import { RelayError } from '../errors.ts'

/** What becomes of text that the target refuses: half a surrogate pair, and with most U+0000. */
export interface Screening {
  readonly policy: 'replace' | 'dead-letter'
  readonly alsoNul: boolean
}

/**
 * Text that PostgreSQL and its relatives refuse: U+0000 and half a surrogate pair. DynamoDB allows both.
 * In JSON both can only be written as an escape, so a record whose bytes hold no such escape is clean:
 * that look costs far less than walking its values.
 */
export function mayHoldRefusedText(record: RawRecord, { alsoNul }: Pick<Screening, 'alsoNul'>): boolean {
  const bytes = Buffer.from(record.data.buffer, record.data.byteOffset, record.data.byteLength)
  return (alsoNul && bytes.includes('\\u0000')) || bytes.includes('\\ud') || bytes.includes('\\uD')
}

/** Names of tables and their columns are never altered: two could become one. @throws RelayError TEXT_NUL */
export function screenNames(item: StreamChange, { alsoNul }: Screening): void {
  const isRefused = (text: string): boolean => isRefusedText(text, alsoNul)
  const { schema, name } = item.table
  if (isRefused(name) || (schema !== null && isRefused(schema))) {
    throw new RelayError('TEXT_NUL', 'The name of the table holds a character that the target refuses')
  }
  if (item.kind === 'change') return
  if (item.columns?.some((column) => isRefused(column.name)) || item.primaryKey?.some(isRefused)) {
    throw new RelayError('TEXT_NUL', 'The name of a column holds a character that the target refuses')
  }
}

/**
 * The change with refused characters replaced by U+FFFD, or the change itself if there are none.
 * A key is never altered: two rows could become one.
 *
 * @param onReplaced called once for each change that was altered
 * @throws RelayError TEXT_NUL for a key, for any text under `dead-letter`, or when two names would become one
 */
export function screenText<T extends Decoded>(item: T, { policy, alsoNul }: Screening, onReplaced: () => void): T {
  if (item.kind !== 'change') return item
  if (item.key !== null && holdsRefused(item.key, alsoNul)) {
    throw new RelayError('TEXT_NUL', 'The key holds a character that the target refuses')
  }
  if (!holdsRefused(item.after, alsoNul) && !holdsRefused(item.before, alsoNul)) return item
  if (policy === 'dead-letter') throw new RelayError('TEXT_NUL', 'A value holds a character that the target refuses')
  onReplaced()
  const clean: Change = {
    ...plainChange(item),
    before: replaced(item.before, alsoNul) as Row | null,
    after: replaced(item.after, alsoNul) as Row | null,
  }
  return clean as T
}

const isRefusedText = (text: string, alsoNul: boolean): boolean =>
  (alsoNul && text.includes('\0')) || !text.isWellFormed()

function holdsRefused(value: Value, alsoNul: boolean): boolean {
  if (typeof value === 'string') return isRefusedText(value, alsoNul)
  if (value === null || typeof value !== 'object' || value instanceof Numeric || value instanceof Binary) return false
  if (Array.isArray(value)) return value.some((element) => holdsRefused(element, alsoNul))
  return Object.entries(value).some(([name, member]) => isRefusedText(name, alsoNul) || holdsRefused(member, alsoNul))
}

function replaced(value: Value, alsoNul: boolean): Value {
  if (typeof value === 'string') return (alsoNul ? value.replaceAll('\0', '\uFFFD') : value).toWellFormed()
  if (value === null || typeof value !== 'object' || value instanceof Numeric || value instanceof Binary) return value
  if (Array.isArray(value)) return value.map((element) => replaced(element, alsoNul))
  const row = newRow()
  for (const [name, member] of Object.entries(value)) {
    const clean = replaced(name, alsoNul) as string
    if (Object.hasOwn(row, clean)) throw new RelayError('TEXT_NUL', 'Two attribute names would become one')
    row[clean] = replaced(member, alsoNul)
  }
  return row
}
