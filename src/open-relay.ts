import type { BatchLimits, FactRules, Opening, RelayIdentity } from './batch.ts'
import type { Format, TableName } from './change.ts'
import { type Decoder, type DecoderOptions, recordDecoder } from './decode/decoder.ts'
import type { ReadOptions } from './deliver/change-reader.ts'
import { type LetterLimit, LetterWatch } from './deliver/letter-limit.ts'
import { Parking, type ParkingOptions, type ParkLimit } from './deliver/parking.ts'
import { PARKED, RelayError } from './errors.ts'
import { DMS_FACT_RULES } from './feeds/dms/fact-rules.ts'
import { SourceTables, type SourceTablesOptions } from './feeds/dms/source-tables.ts'
import { feedWarnings } from './feeds/warnings.ts'
import type { Source, Start } from './ingest/source.ts'
import { type Log, SILENT } from './observe/log.ts'
import { type Observer, observers } from './observe/observer.ts'
import type { Positions, StreamIdentity } from './position.ts'
import { Relay } from './relay.ts'
import { retrying } from './retry.ts'
import type { Sink, SinkTraits } from './sinks/sink.ts'
import type { Stage } from './stages/stage.ts'
import type { TableFilter } from './table-pattern.ts'

export interface RelayOptions {
  /** Under this name the target, or the state store of its sink, remembers positions and facts. */
  readonly name: string
  readonly source: Source
  readonly sink: Sink
  /** What a record says. By default the formats of DynamoDB and AWS DMS, as `formats` tells. */
  readonly decode?: Decoder
  /** What the operator knows of the records. By default each is of the format that it looks like. */
  readonly formats?: Omit<DecoderOptions, 'stream' | 'takesJson'>
  /** In their order; by default none. */
  readonly stages?: readonly Stage[]
  /** What change records call the stream; by default the last part of its ARN or path. */
  readonly streamName?: string
  /** The answer of `source.identify`, where it was asked before; by default it is asked. */
  readonly stream?: StreamIdentity
  /** Where a relay begins that is new; by default at the oldest record. An engine keeps that itself. */
  readonly start?: Start
  /** `start` as the user wrote it: a name that is known refuses another one. By default its kind, or its time as ISO 8601. */
  readonly startText?: string
  /**
   * What would make the target differ if it changed under this name (mode, stages): stored, and compared at each opening. `table`, `layout`
   * and `deletes` may change: the target refuses what does not fit a table that is written already, for that table.
   */
  readonly settings?: Readonly<Record<string, string>>
  /**
   * Which tables its stages want, where they tell by the name alone: then `include` and `exclude` of `settings` may change, too. A table that
   * is wanted again after it was left out for a while is in trouble (TABLE_GAP) until `forgetsGaps`.
   */
  readonly wanted?: TableFilter
  /** Forget which tables were left out for a while: their rows are in order, or may miss what they miss. */
  readonly forgetsGaps?: boolean
  /** True to take the name from a holder that still lives. */
  readonly takeOver?: boolean
  /** What becomes of a record that cannot be decoded or used; by default a dead letter. */
  readonly onError?: 'dead-letter' | 'stop'
  /**
   * More dead letters than `count` within `intervalMs` end the relay, in front of the batch with which they would be too many; if the target
   * refused rows of it, behind that. By default there may be any number.
   */
  readonly maxDeadLetters?: LetterLimit
  /**
   * What is kept of a table that cannot be written before the relay ends. Such a table is parked: what comes for it becomes dead letters, and
   * the others go on. Absent, and where an engine keeps the positions or the sink cannot count dead letters: the relay ends at once.
   */
  readonly parkLimit?: ParkLimit
  /** Tries to write what is kept of a parked table again, when the relay opens and now and then; by default only an operator does. */
  readonly writeParked?: ParkingOptions['writeAgain']
  /** What becomes of text that the target refuses (U+0000, half a surrogate pair); by default U+FFFD replaces it. */
  readonly onRefusedText?: 'replace' | 'dead-letter'
  /** What the operator knows of the tables of a DMS feed. */
  readonly tables?: Partial<TablesOptions>
  /**
   * When a batch is full, or due. By default 5000 records, 8 MiB and 250 ms, or what the sink's emitter needs. What a caught-up shard
   * gave does not wait, unless one of them says `waitMs`.
   */
  readonly limits?: Partial<BatchLimits>
  /** Hears of everything that happens; the relay closes it. */
  readonly observer?: Partial<Observer>
  /** Hears of what the observer does not: of tables, and of what the records tell between the lines. By default nobody does. */
  readonly log?: Log
}

/** `keyWaitMs` is how long rows of a DMS feed wait for the key of their table, 60 s by default. */
export type TablesOptions = Pick<SourceTablesOptions, 'declaredKey' | 'declaredTypes' | 'missingColumns' | 'keyWaitMs'>

const LIMITS: BatchLimits = { records: 5000, bytes: 8 * 1024 * 1024, waitMs: 250 }
const KEY_WAIT_MS = 60_000

/**
 * Opens the sink for the relay's name; a target that is away is waited for until `signal` aborts. Source, sink and observer are
 * the relay's from then on: its `close` closes them, and so does an opening that fails.
 *
 * @throws RelayError STATE_DIFFERS, STATE_HELD, SINK_…, SOURCE_…, CONFIGURATION; the signal's reason
 */
export async function openRelay(
  options: RelayOptions,
  signal: AbortSignal = new AbortController().signal,
): Promise<Relay> {
  const { source, sink } = options
  const observer = observers(options.observer ?? {})
  try {
    const stream = options.stream ?? (await source.identify(signal))
    let working = signal
    const parking = parkingOf(options, observer)
    const read = readOptions(options, options.streamName ?? lastPartOf(stream.id), observer, () => working)
    const parts = {
      source,
      sink,
      observer,
      ...(options.maxDeadLetters !== undefined && { letterWatch: new LetterWatch(options.maxDeadLetters) }),
      opening: openingOf(options, stream, signal),
      limits: limitsOf(sink, options.limits),
      ...(parking === undefined
        ? { read }
        : { read: { ...read, isParked: (table: TableName) => parking.isParked(table) }, parking }),
      onSignal: (now: AbortSignal) => {
        working = now
      },
    }
    return await Relay.open(parts, signal)
  } catch (error) {
    observer.close()
    await sink.close().finally(() => source.close())
    throw error
  }
}

function parkingOf(
  { parkLimit, sink, source, writeParked: writeAgain }: RelayOptions,
  observer: Observer,
): Parking | undefined {
  if (parkLimit === undefined || sink.countLetters === undefined || source.positions === 'engine') return undefined
  const countLetters = async (): Promise<ReadonlyMap<string, number>> => {
    const letters = (await sink.countLetters?.()) ?? []
    return new Map(letters.flatMap(({ source, code, count }) => (code === PARKED ? [[source!, count] as const] : [])))
  }
  const onMended = async (): Promise<void> => sink.relearnTables?.()
  return new Parking({ limit: parkLimit, countLetters, observer, onMended, ...(writeAgain && { writeAgain }) })
}

/** What the operator says of batches counts more than what the sink wants. */
export function limitsOf({ limits: wanted }: Pick<Sink, 'limits'>, given: RelayOptions['limits']): BatchLimits {
  const limits = { ...wanted, ...given }
  return { ...LIMITS, ...(limits.waitMs === undefined && { caughtUpWaitMs: 0 }), ...limits }
}

type NamingOptions = Pick<RelayOptions, 'name' | 'start' | 'startText' | 'settings'>

export function identityOf({ name, start, startText, settings = {} }: NamingOptions, stream: StreamIdentity) {
  return { name, stream, start: startText ?? (start === undefined ? null : textOf(start)), settings }
}

function openingOf(options: RelayOptions, stream: StreamIdentity, signal: AbortSignal): Opening {
  const { source, start, takeOver = false, wanted, forgetsGaps } = options
  const relay: RelayIdentity = identityOf(options, stream)
  if (source.positions === 'engine') return { positions: 'engine', relay, takeOver, factRules: FACT_RULES }
  return {
    relay,
    takeOver,
    firstPositions: async () => firstPositions(source, start, signal),
    ...(wanted !== undefined && { wanted }),
    ...(forgetsGaps !== undefined && { forgetsGaps }),
  }
}

export const FACT_RULES: FactRules = DMS_FACT_RULES

const textOf = (start: Start): string => (start.kind === 'time' ? new Date(start.ms).toISOString() : start.kind)

/** Where a relay begins that has no positions. @throws RelayError CONFIGURATION for a source that cannot begin there */
export async function firstPositions(
  source: Pick<Source, 'firstPositions'>,
  start: Start = { kind: 'earliest' },
  signal: AbortSignal,
): Promise<Positions> {
  if (source.firstPositions !== undefined) return await source.firstPositions(start, signal)
  if (start.kind === 'earliest') return new Map()
  throw new RelayError('CONFIGURATION', 'The source begins at its oldest record, and nowhere else', { option: 'start' })
}

/** What says how records are read. */
export type ReadingOptions = Pick<
  RelayOptions,
  'decode' | 'formats' | 'stages' | 'onError' | 'onRefusedText' | 'tables' | 'log'
> & { readonly sink: SinkTraits; readonly source: Pick<Source, 'positions'> }

/** @param signal asked for when something is waited for: what ends the wait */
export function readOptions(
  options: ReadingOptions,
  streamName: string,
  observer: Observer,
  signal: () => AbortSignal,
): ReadOptions {
  const { sink, stages = [], log = SILENT, onRefusedText = 'replace' } = options
  // A stage that alters rows needs their values.
  const takesJson = (format: Format): boolean =>
    sink.takesJson?.(format) === true && stages.every(({ change }) => change === undefined)
  const onReadAsObjects: DecoderOptions['onReadAsObjects'] = (reason) => {
    observer.readAsObjects(reason)
    options.formats?.onReadAsObjects?.(reason)
  }
  return {
    decode: options.decode ?? recordDecoder({ ...options.formats, stream: streamName, takesJson, onReadAsObjects }),
    stages,
    facts: tablesOf(options, observer, signal),
    stream: streamName,
    onError: options.onError ?? 'dead-letter',
    readsBefore: sink.readsBefore,
    // What the target refuses is known once it is open.
    screening: () => (sink.refusesHalves ? { policy: onRefusedText, alsoNul: sink.refusesNul } : null),
    onTextReplaced: () => observer.textReplaced(),
    onDecoded: feedWarnings(log),
  }
}

const lastPartOf = (id: string): string => id.slice(id.lastIndexOf('/') + 1)

function tablesOf(
  { sink, source, tables, log = SILENT }: ReadingOptions,
  observer: Observer,
  signal: () => AbortSignal,
) {
  const ask = <Answer>(work: () => Promise<Answer>): Promise<Answer> =>
    retrying(work, { signal: signal(), observer, what: 'ask the target for a primary key', hasWorked: () => true })
  const known = new SourceTables({
    declaredKey: () => undefined,
    declaredTypes: () => new Map(),
    missingColumns: 'auto',
    keyWaitMs: KEY_WAIT_MS,
    ...tables,
    needsKeys: sink.needsKeys,
    observer,
    log,
    askTarget: async (table) => {
      // Another process of the name may have read the table's definition.
      if (source.positions === 'engine') known.merge((await ask(async () => sink.readFacts?.())) ?? new Map())
      return await ask(() => sink.keyColumns(table))
    },
  })
  return known
}
