import { type TableName, tableLabel } from '../change.ts'
import type { ReadyBatch } from '../deliver/batch-builder.ts'
import { batched } from '../deliver/batcher.ts'
import { examined } from '../deliver/examined.ts'
import { tableAtFault } from '../deliver/parking.ts'
import { TableGaps } from '../deliver/table-gaps.ts'
import { PARKED, RelayError } from '../errors.ts'
import { openSource } from '../ingest/by-url.ts'
import { logObserver } from '../observe/log-observer.ts'
import { observers } from '../observe/observer.ts'
import type { Reporter } from '../observe/reporter.ts'
import { firstPositions, identityOf, limitsOf, readOptions } from '../open-relay.ts'
import { sinkEntry } from '../sinks/by-url.ts'
import type { SinkSurroundings } from '../sinks/entry.ts'
import type { Preview, PreviewedState, PreviewedTable } from '../sinks/preview.ts'
import type { SeenLetters } from '../state/seen.ts'
import { ownVersion } from '../version.ts'
import { leftOut } from '../wanted-tables.ts'
import { awsSettings } from './aws-settings.ts'
import { dryRunText, type FirstBatch } from './dry-run-text.ts'
import { relayOptions } from './relay-options.ts'
import type { RunConfig } from './run-schema.ts'
import { declaredTypes, explicitRoute } from './table-options.ts'

/** How long the source may take to give something, beside the time that rows may wait for their key. */
const FIRST_BATCH_MS = 30_000

/**
 * `run --dry-run`: prints what a run would do first, and does nothing of it. Returns the exit code.
 *
 * @param ineffective options that have no effect here, in words
 * @throws RelayError what would keep a run from beginning
 */
export async function dryRun(
  config: RunConfig,
  ineffective: readonly string[],
  say: Reporter,
  mask: (text: string) => string,
  stopping: AbortSignal,
): Promise<number> {
  const { log } = say
  const { env } = process
  for (const message of ineffective) log.warn({ code: 'NO_EFFECT' }, message)
  const observer = observers(logObserver(log, config.logValues))
  const aws = awsSettings(config, env)
  // What is there now is all that is asked for.
  const source = await openSource({ ...config, untilLatest: true }, { aws, log, observer })
  const name = config.name ?? source.streamName
  const signal = AbortSignal.any([stopping, AbortSignal.timeout(FIRST_BATCH_MS + config.keyWait)])
  let preview: Preview | undefined
  try {
    const stream = await source.identify(signal)
    preview = await openPreview(config, { name, retentionMs: stream.retentionMs, aws, env, log })
    const options = { ...relayOptions(config), name }
    const relay = identityOf(options, stream)
    const state = await preview.open({ ...options, relay })
    const gapOf = gapsOf(preview, state)
    const start = options.start
    const positions = state.seen?.stored.positions ?? (await firstPositions(source, start, signal))
    const letters = state.seen?.target?.deadLetters ?? []
    const parked = parkedIn(config.onTableTrouble === 'park' ? letters : [])
    const read = {
      ...readOptions({ ...options, sink: preview, source, log }, source.streamName, observer, () => signal),
      isParked: (table: TableName) => parked.has(tableLabel(table)),
    }
    read.facts.restore(state.seen?.stored.facts ?? new Map())
    const ending = new AbortController()
    const pages = source.pages(positions, AbortSignal.any([signal, ending.signal]))
    const batches = batched(examined(pages, read, ending), limitsOf(preview, options.limits), async () => {})
    const first = await firstBatchOf(preview, batches, parked, gapOf)
    const rules = { onError: config.onError, onTableTrouble: config.onTableTrouble }
    const begins = { version: ownVersion(), name, start: config.start?.text ?? 'earliest' }
    process.stdout.write(mask(dryRunText(begins, state, first, rules)))
    return 0
  } finally {
    observer.close()
    await preview?.close()
    await source.close()
  }
}

/** @throws RelayError CONFIGURATION */
async function openPreview(
  config: RunConfig,
  surroundings: Omit<SinkSurroundings, 'routes' | 'declaredTypes' | 'openStore'>,
): Promise<Preview> {
  const { openPreview: open } = sinkEntry(config.sink)!
  if (typeof open === 'string') throw new RelayError('CONFIGURATION', open, { option: 'dry-run' })
  return await open(config, {
    ...surroundings,
    routes: explicitRoute(config.table),
    declaredTypes: declaredTypes(config.type),
    openStore: async () => null,
  })
}

const parkedIn = (letters: readonly SeenLetters[]): ReadonlyMap<string, number> =>
  new Map(letters.flatMap(({ source, code, count }) => (code === PARKED ? [[source!, count] as const] : [])))

/** Null if the source gives nothing. @param parked how many changes are kept, by table */
async function firstBatchOf(
  preview: Preview,
  batches: AsyncIterable<ReadyBatch>,
  parked: ReadonlyMap<string, number>,
  gapOf: (table: TableName) => RelayError | null,
): Promise<FirstBatch | null> {
  try {
    for await (const batch of batches) {
      if (batch.read === 0) continue
      const troubleOf = (table: TableName): RelayError | null => keptTrouble(table, parked) ?? gapOf(table)
      const changes = batch.changes.filter(({ table }) => troubleOf(table) === null)
      const tables = await preview.plan({ ...batch, changes })
      return { batch, tables: [...tables, ...keptApart(batch, troubleOf)] }
    }
    return null
  } catch (error) {
    const table = tableAtFault(error)
    if (table === null) throw error
    return { batch: null, tables: [{ ...NOTHING, source: table, changes: 0, trouble: error as RelayError }] }
  }
}

const NOTHING = { definitions: [], writes: [], refused: [], setAside: new Map(), notFollowed: 0 } as const

/** Tables that are wanted again after they were left out. */
function gapsOf({ needsKeys }: Preview, { claimed }: PreviewedState): (table: TableName) => RelayError | null {
  const leftOutOf = claimed === null || !needsKeys ? null : leftOut(claimed.settings)
  const gaps = leftOutOf === null ? null : new TableGaps(leftOutOf)
  return (table) => gaps?.of(table) ?? null
}

function keptTrouble(table: TableName, parked: ReadonlyMap<string, number>): RelayError | null {
  const source = tableLabel(table)
  const kept = parked.get(source)
  return kept === undefined ? null : new RelayError(PARKED, `${kept} changes of it are kept already`, { table: source })
}

function keptApart({ changes }: ReadyBatch, troubleOf: (table: TableName) => RelayError | null): PreviewedTable[] {
  const tables = new Map<string, { trouble: RelayError; count: number }>()
  for (const { kind, table } of changes) {
    const trouble = kind === 'change' ? troubleOf(table) : null
    if (trouble === null) continue
    const label = tableLabel(table)
    tables.set(label, { trouble, count: (tables.get(label)?.count ?? 0) + 1 })
  }
  return Array.from(tables, ([source, { trouble, count }]) => ({ ...NOTHING, source, changes: count, trouble }))
}
