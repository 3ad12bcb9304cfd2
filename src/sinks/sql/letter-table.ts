import type { ValuePath } from '../../change.ts'
import { parseJson } from '../../parse-json.ts'
import type { FailedLetter, LetterFilter, LetterPage, LetterStanding, WholeLetter } from '../letter-store.ts'
import type { Database } from '../tables/database.ts'

/** `cdc_relay.dead_letters` of a target: what `LetterStore` needs of it, and what a replay does in its transactions. */
export interface LetterTable {
  /** Tables of an earlier version are read as they are. @param withValues false to leave `raw` and `change` null */
  find(search: LetterSearch, withValues: boolean): Promise<LetterPage<WholeLetter>>
  /** As `LetterStore.standings`; absent where keys cannot be looked up. */
  standings?(relay: string, ids: readonly string[]): Promise<ReadonlyMap<string, LetterStanding>>
  /** Resolves to how many went. */
  remove(to: Database, relay: string, ids: readonly string[]): Promise<number>
  /** Counts an attempt, and keeps the new reason. Resolves to how many are still there. */
  fail(to: Database, relay: string, letters: readonly FailedLetter[]): Promise<number>
  knowsRelay(relay: string): Promise<boolean>
}

/** A row of it, times as ISO 8601. */
export interface LetterRow {
  readonly id: string
  readonly recorded: string
  readonly code: string
  readonly detail: string
  readonly stream: string
  readonly shard: string
  readonly sequence: string
  readonly sub: number | null
  readonly event: string | null
  readonly table: string | null
  readonly version: string | null
  readonly attempts: number
  readonly tried: string | null
  /** Base64. */
  readonly raw: string | null
  readonly change: string | null
  /** JSON. */
  readonly binary: string | null
}

export const letterOf = (row: LetterRow): WholeLetter => ({
  id: row.id,
  recordedAt: row.recorded,
  code: row.code,
  detail: row.detail,
  table: row.table,
  version: row.version,
  source: {
    stream: row.stream,
    shard: row.shard,
    sequence: row.sequence,
    ...(row.sub !== null && { subSequence: row.sub }),
    ...(row.event !== null && { eventId: row.event }),
  },
  attempts: row.attempts,
  triedAt: row.tried,
  raw: row.raw === null ? null : Buffer.from(row.raw, 'base64'),
  change: row.change,
  binary: row.binary === null ? [] : (parseJson(row.binary) as readonly ValuePath[]),
})

export interface LetterSearch {
  readonly relay: string
  readonly filter: LetterFilter
  /** `LetterPage.next` of the page before; null for the first. */
  readonly from: string | null
  readonly most: number
}
