import { join } from 'node:path'
import { tableDifferences } from '../../test/support/dms-life/compare.ts'
import { type DmsLife, dmsLife } from '../../test/support/dms-life/dms-life.ts'
import { lastArrivalMirror, type Mirrored } from '../../test/support/dms-life/mirrors.ts'
import type { Kinesalite } from '../../test/support/kinesis/kinesalite.ts'
import { seededRandom } from '../../test/support/life/random.ts'
import { readTables } from './mirror.ts'
import { runToEnd } from './relay-runs.ts'
import { arrivalFigures, inOrderOfArrival, writeStream } from './shop-stream.ts'
import { chapter, command, count, endLive, tell, title, verdict } from './telling.ts'

const STREAM = 'shop-feed'
const SHARDS = 4

/** As docs/dms.md recommends them. */
const ENDPOINT = {
  messageFormat: 'json-unformatted',
  includeTransactionDetails: 'on',
  includePartitionValue: false,
  partitionIncludeSchemaTable: true,
  includeTableAlterOperations: true,
  includeControlDetails: true,
  includeNullAndEmpty: true,
  noHexPrefix: false,
  mapBooleanAsBoolean: true,
  beforeImageField: 'before-image',
} as const

/** Loads by primary key, changes by table, as DMS does it by default. */
const TASK = {
  beforeImages: 'pk-only',
  oldKey: 'changed-parts',
  parallelApply: false,
  movedBy: 'new-key',
  cachedTime: 'caught',
} as const

const STORY = { reload: 'with-drop-table', gap: true, resumes: 8, addColumns: true, deletes: 0.2, moves: 0.5 } as const

/**
 * Mirrors the tables of a shop from what a DMS task writes about them.
 *
 * @param folder takes the target
 * @returns true if the mirror is right, and something was shown by it
 */
export async function playShop(
  kinesis: Kinesalite,
  folder: string,
  { changes, seed }: { readonly changes: number; readonly seed: number },
): Promise<boolean> {
  const keys = Math.ceil(changes / 20)
  const life = dmsLife({ seed, changes, keys, endpoint: ENDPOINT, task: TASK, story: STORY })
  title(`The life of a shop's ${life.tables.length} tables, through a DMS task`)

  chapter(5, `They change some ${count(changes)} times; the task loads them, follows them, loads them again`)
  const arrivals = inOrderOfArrival(life.records, SHARDS, seededRandom(seed))
  await writeStream(kinesis, STREAM, SHARDS, arrivals)
  endLive()
  tellRecords(life, arrivalFigures(arrivals))

  chapter(6, 'A second relay mirrors it into typed tables of a database that is empty')
  const target = join(folder, 'shop')
  const options = [
    ['--name', 'shop'],
    ['--source', STREAM],
    ['--sink', `pglite:${target}`],
    ['--type', 'shop.orders.tags=json'],
    ['--type', 'shop.documents.facts=json'],
    ['--on-reload', 'sweep'],
    ['--endpoint-url', kinesis.endpoint],
    ['--until-latest'],
  ]
  command('cdc-relay run', options)
  const summary = await runToEnd(['run', ...options.flat()])
  tell(
    `${count(summary.read).padStart(9)}  records were read, ${count(Math.round((summary.read * 1000) / summary.elapsedMs))} a second:`,
    `${count(summary.applied).padStart(9)}  applied`,
    `${count(summary.superseded).padStart(9)}  superseded: there was something newer`,
    `${count(summary.skipped).padStart(9)}  skipped: they are of DMS's own tables`,
    `${count(summary.deadLettered).padStart(9)}  anything else`,
  )

  chapter(7, 'Are the mirrored tables what the tables are?')
  const mirrored = await readTables(target, life.tables, life.columns)
  const differences = differencesOf(life, mirrored, 'sweep')
  const naivelyWrong = differencesOf(life, lastArrivalMirror(arrivals, 'keep'), 'keep').length
  const rows = [...mirrored.values()].flat()
  const cells = rows.reduce((sum, row) => sum + row.size, 0)
  tell(
    `${count(rows.length).padStart(9)}  rows, compared cell by cell, ${count(cells)} in all:`,
    `${count(differences.length).padStart(9)}  differ`,
    `${count(naivelyWrong).padStart(9)}  cells and rows would be wrong had the last record always won`,
    ...differences.slice(0, 3).map((difference) => difference.slice(0, 400)),
  )
  return verdict({ differences: differences.length, naivelyWrong })
}

function tellRecords({ figures }: DmsLife, { records, lateLoads, deletes }: ReturnType<typeof arrivalFigures>): void {
  tell(
    `${count(records).padStart(9)}  records came on ${SHARDS} shards, the definitions of the tables among them:`,
    `${count(figures.loadRows).padStart(9)}  rows of the two loads, the second after a gap and a drop-table`,
    `${count(lateLoads).padStart(9)}  of them after a change of the same row`,
    `${count(figures.moves).padStart(9)}  times a row got another key at the source`,
    `${count(figures.partialImages).padStart(9)}  updates that carry some of the columns only`,
    `${count(deletes).padStart(9)}  deletes`,
    `${count(figures.repeats).padStart(9)}  changes once more, with a new time, since the task was stopped`,
  )
}

/** @param onReload whether rows that the source lost unseen may stay */
function differencesOf(life: DmsLife, mirrored: Mirrored, onReload: 'keep' | 'sweep'): string[] {
  const expected = life.expectedRows('keep')
  const leftovers = life.leftovers(onReload)
  return life.tables.flatMap((table) =>
    tableDifferences(table, expected.get(table)!, mirrored.get(table) ?? [], leftovers.get(table) ?? new Set()),
  )
}
