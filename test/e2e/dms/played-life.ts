import { recordDecoder } from '../../../src/decode/decoder.ts'
import type { ReadOptions } from '../../../src/deliver/change-reader.ts'
import { SourceTables } from '../../../src/feeds/dms/source-tables.ts'
import { Ledger } from '../../../src/observe/ledger.ts'
import { SILENT } from '../../../src/observe/log.ts'
import { observers } from '../../../src/observe/observer.ts'
import { Relay } from '../../../src/relay.ts'
import { route } from '../../../src/stages/route.ts'
import { claimOf } from '../../support/changes.ts'
import { type Random, seededRandom } from '../../support/life/random.ts'
import { type Query, sqlSinkOf } from '../../support/targets/sql-target.ts'
import { type OperatorWords, operatorWords } from './operator.ts'
import type { Play } from './play.ts'
import { Failed, type Interruption, scriptedSource } from './scripted-source.ts'
import { makeTables, targetDifferences } from './target-tables.ts'

/** An empty database. */
export interface Place {
  readonly url: string
  readonly query: Query
  /** Lets go of what reading needed, before a sink is opened. */
  release(): Promise<void>
}

export interface Played {
  /** In words; empty if the target holds the truth and the counts add up to the records. */
  readonly problems: readonly string[]
  readonly ledger: Ledger
  /** Pages that were deferred. */
  readonly deferred: number
}

/** Plays it through the relay into the place, in as many runs as there are interruptions and one more. */
export async function playedLife(play: Play, place: Place): Promise<Played> {
  const { seed, life, delivery, help, interruptions, settings } = play
  const words = operatorWords(life, delivery, help)
  if (help === 'ready-made tables') await makeTables(place.query, life.tables)
  await place.release()
  const random = seededRandom(seed + 2)
  const ledger = new Ledger()
  let deferred = 0
  for (const interruption of [...interruptions, null]) {
    deferred += await oneRun(play, place, words, interruption, ledger, random)
  }
  const differences = await targetDifferences(place.query, life, settings)
  return { problems: [...differences, ...bookProblems(play, ledger)], ledger, deferred }
}

/** @returns how many pages were deferred */
async function oneRun(
  { delivery, life, settings, missingColumns }: Play,
  { url }: Place,
  { declaredKey, declaredTypes }: OperatorWords,
  interruption: Interruption | null,
  ledger: Ledger,
  random: Random,
): Promise<number> {
  const { onReload, deletes } = settings
  const source = scriptedSource(delivery, interruption, random)
  const onSchemaChange = life.story.widenColumns ? 'widen' : 'add-only'
  const sink = sqlSinkOf({ url, layout: null, deletes, onReload, declaredTypes, onSchemaChange })
  const tables = new SourceTables({
    declaredKey,
    declaredTypes,
    missingColumns,
    needsKeys: sink.needsKeys,
    keyWaitMs: 60_000,
    askTarget: (table) => sink.keyColumns(table),
    log: SILENT,
  })
  const read: ReadOptions = {
    decode: recordDecoder({
      format: 'auto',
      stream: 'life',
      binary: 'double',
      beforeImageField: life.endpoint.beforeImageField,
    }),
    stages: [route({ include: [], exclude: [], ignoreDeletes: false, expired: 'delete' })],
    facts: tables,
    stream: 'life',
    onError: 'stop',
    readsBefore: sink.readsBefore,
    screening: () => ({ policy: 'replace', alsoNul: sink.refusesNul }),
    onTextReplaced: () => {},
  }
  // Small batches cut a life everywhere; large ones have much to fold.
  const records = 1 + random.below(random.pick([10, 80, 2_000]))
  const limits = { records, bytes: 8 << 20, waitMs: random.pick([0, 5, 50]) }
  const parts = { source, read, sink, opening: claimOf(), limits, observer: observers(ledger) }
  try {
    await (await Relay.open(parts, source.stopped)).run(source.stopped)
  } catch (error) {
    if (!(error instanceof Failed)) throw error
  } finally {
    await sink.close()
  }
  return source.deferred
}

/** Over all runs each record is entered once, and each ends in one column. */
function bookProblems({ life: { records } }: Play, ledger: Ledger): string[] {
  const { read, applied, superseded, skipped, deadLettered } = ledger.counts()
  const problems: string[] = []
  if (read !== records.length) problems.push(`${read} records were entered, and there are ${records.length}`)
  if (applied + superseded + skipped + deadLettered !== read) problems.push('the counters do not match')
  const foreign = records.filter(({ says }) => says === null).length
  // A change of type that does not say the new one.
  const untold = ledger.skips.get('schema-change-not-followed') ?? 0
  const retyped = records.filter(({ says }) => says?.op === 'column-type-change').length
  if (untold > retyped) problems.push(`${untold} changes of type tell nothing, and there are ${retyped}`)
  if (skipped - untold !== foreign) problems.push(`${skipped} records were skipped, and ${foreign} are to be`)
  if (deadLettered > 0) problems.push(`${deadLettered} dead letters`)
  return problems
}
