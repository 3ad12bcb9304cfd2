import { tableLabel } from '../../change.ts'
import type { Counts } from '../../observe/ledger.ts'
import type { LettersStatus, Status } from '../../operate/status.ts'
import type { Told } from '../metrics/told.ts'
import type { Check } from '../readiness.ts'
import type { LastLetters, ShownLetter } from './last-letters.ts'
import type { LastWarnings, Warning } from './last-warnings.ts'

/** What the page shows beside the charts; sent once a second. */
export interface PageState {
  /** Epoch ms. */
  readonly now: number
  readonly relay: string
  readonly version: string
  readonly checks: readonly Check[]
  readonly counts: Counts & { readonly setAside: number }
  /** Of the shard that is furthest behind. */
  readonly lagMs: number
  readonly retentionMs: number | null
  readonly shards: readonly ShardRow[]
  readonly tables: readonly TableRow[]
  /** Those that are kept, by table and code; null where they cannot be counted, and before they were. */
  readonly kept: LettersStatus | null
  readonly letters: readonly ShownLetter[]
  readonly warnings: readonly Warning[]
  /** What `cdc-relay status` warns of. */
  readonly standing: readonly string[]
  /** Option → value, passwords masked. */
  readonly settings: Readonly<Record<string, string>>
}

export interface ShardRow {
  readonly shard: string
  /** Those that it came from; null where that is not known. */
  readonly parents: readonly string[] | null
  readonly standing: string
  readonly upTo: string | null
  readonly sequence: string
  /** Of a shard that is read. */
  readonly lagMs: number | null
}

export interface TableRow {
  readonly table: string
  readonly target: string | null
  readonly applied: number
  readonly superseded: number
  readonly setAside: number
  readonly deadLettered: number
  /** Dead letters that are kept of it while it is parked; null: it is not. */
  readonly parked: number | null
}

/** What the page is told of. */
export interface PageTold extends Told {
  readonly relay: string
  readonly version: string
  readonly settings: Readonly<Record<string, string>>
  readonly lastLetters: LastLetters
  readonly lastWarnings: LastWarnings
  /** As far as it is known at once; null until the target is open. */
  overview(): Status | null
  /** Shard → those that it came from; null where that is not known. */
  lineage(): ReadonlyMap<string, readonly string[]> | null
}

/** So many rows of a table are sent: those with most to say first. */
const MOST_ROWS = 300

/** @param now epoch ms */
export function pageState(told: PageTold, now: number): PageState {
  const overview = told.overview()
  return {
    now,
    relay: told.relay,
    version: told.version,
    checks: told.checks(),
    counts: { ...told.ledger.counts(), setAside: told.ledger.valuesSetAside() },
    lagMs: told.lag.slowestMs(now),
    retentionMs: told.retentionMs(),
    shards: shardRows(told, overview, now),
    tables: tableRows(told, overview),
    kept: told.letters(),
    letters: told.lastLetters.all,
    warnings: told.lastWarnings.all,
    standing: overview?.warnings ?? [],
    settings: told.settings,
  }
}

/** Those that are furthest behind first, finished ones last. */
function shardRows({ lag, lineage }: PageTold, overview: Status | null, now: number): readonly ShardRow[] {
  const lags = new Map(lag.byShard(now))
  const parents = lineage()
  const stored = new Map(overview?.shards.map((shard) => [shard.shard, shard]))
  const rows = [...new Set([...stored.keys(), ...lags.keys()])].map((shard) => {
    const { standing = 'not begun', upTo = null, sequence = 'TRIM_HORIZON' } = stored.get(shard) ?? {}
    return { shard, parents: parents?.get(shard) ?? null, standing, upTo, sequence, lagMs: lags.get(shard) ?? null }
  })
  return rows.sort((a, b) => (b.lagMs ?? -1) - (a.lagMs ?? -1) || (a.shard < b.shard ? -1 : 1)).slice(0, MOST_ROWS)
}

/** Parked ones first, then those with dead letters, then by their name. */
function tableRows({ ledger, meter }: PageTold, overview: Status | null): readonly TableRow[] {
  const targets = new Map(overview?.tables.map(({ table, target }) => [table, target]))
  const names = [targets, ledger.tables, ledger.parkedTables, meter.letters].flatMap((each) => [...each.keys()])
  const rows = [...new Set(names)]
    .filter((name) => name !== '')
    .map((table) => {
      const { applied = 0, superseded = 0 } = ledger.tables.get(table) ?? {}
      const target = targets.get(table)
      return {
        table,
        target: target ? tableLabel(target) : null,
        applied,
        superseded,
        setAside: sum(ledger.setAside.get(table)?.values() ?? [], ({ count }) => count),
        deadLettered: sum(meter.letters.get(table)?.values() ?? [], (count) => count),
        parked: ledger.parkedTables.get(table) ?? null,
      }
    })
  const rank = ({ parked, deadLettered }: TableRow): number => (parked !== null ? 0 : deadLettered > 0 ? 1 : 2)
  return rows.sort((a, b) => rank(a) - rank(b) || (a.table < b.table ? -1 : 1)).slice(0, MOST_ROWS)
}

function sum<T>(items: Iterable<T>, count: (item: T) => number): number {
  let total = 0
  for (const item of items) total += count(item)
  return total
}
