import { type Random, seededRandom } from '../life/random.ts'
import type { TaskSettings } from './changes.ts'
import type { Endpoint } from './envelope.ts'
import type { PlannedRecord } from './plan.ts'
import { type Happening, newSource, type SourceDatabase, type SourceFigures } from './source.ts'
import { hasKey, SOURCE_TABLES, type SourceTable } from './tables.ts'
import { newTask, type Task, type TaskFigures } from './task.ts'
import { type Truth, truthOf } from './truth.ts'

/**
 * The life of some tables of a PostgreSQL database, what a DMS task writes about it into a Kinesis stream, and what a
 * mirror must hold in the end. Nothing here uses the code that it is meant to test.
 *
 * The records are a plan: those of one partition key are in the order in which DMS writes them, and `deliver` puts
 * the rest in some order. Whatever order that is, the truth is the same. That cannot be had for everything, so these
 * lives leave out what docs/guarantees.md does not promise:
 *
 * - Times that go backwards, or are equal, for one row: the clock of the task gives each touch of a row a later time
 *   than the one before, whatever threads write it; times of different rows are not in order.
 * - A load less than 30 s after changes that nobody saw: a task that lost its position comes back after 31 s and more.
 * - Tables without a primary key: only inserts and loads, no reload, and what DMS sends twice is expected twice.
 * - Columns that DMS leaves out: with `--missing-columns keep` and `includeNullAndEmpty` off, what is NULL or empty at
 *   the source is `undefined` in the truth (compare nothing); with `null`, the truth is the newest image of a row, and
 *   what that does not carry is NULL. Empty text is left out as well, and integers have at most 18 digits, so none is rounded.
 * - A partial image that overtakes its row's load or a whole image: tables with partial images are mapped to one
 *   partition key for loads and changes. Where a row moves to another partition key, or while its table is loaded, the
 *   move carries the whole row. No partial image is written in the 30 s before a `drop-table`: it would not be below the
 *   table's floor, while the image that it completes is. A resume repeats no partial move, and no move from before an
 *   added column: the old key may be another row's by then.
 * - Changes of key without before images, which look like updates of a row that is not there: before images are on.
 * - Rows deleted while nobody looked, with no `drop-table` to sweep them: `leftovers` tells which they are.
 *
 * "Using Amazon Kinesis Data Streams as a target for AWS DMS" in the AWS DMS User Guide says what records look like.
 */
export interface DmsLifeOptions {
  readonly seed: number
  /** Row changes at the source, about; the stream has more records. */
  readonly changes: number
  /** How many keys each table can have. */
  readonly keys: number
  /** What is not given is drawn by lot. */
  readonly endpoint?: Partial<Endpoint>
  readonly task?: Partial<TaskSettings>
  readonly story?: Partial<Story>
}

/** What happens between the first load and the end. */
export interface Story {
  /** How the tables with a key are loaded again. */
  readonly reload: 'none' | 'with-drop-table' | 'without-drop-table'
  /** Before that, the source changes while nobody looks. */
  readonly gap: boolean
  /** How often the task stops and goes on at an older checkpoint. */
  readonly resumes: number
  /** Half of the tables get another column in the middle of the life. */
  readonly addColumns: boolean
  /** At the same time an integer column becomes a `bigint`, in each table that has such a one. */
  readonly widenColumns: boolean
  /** Share of the changes of a row that delete it. */
  readonly deletes: number
  /** Share of the updates that change the key, if the new one is free. */
  readonly moves: number
}

export interface DmsLife extends Truth {
  readonly tables: readonly SourceTable[]
  /** By `tables`: the columns as they are in the end. */
  readonly columns: SourceDatabase['columns']
  readonly endpoint: Endpoint
  readonly task: TaskSettings
  readonly story: Story
  /** In the order in which DMS writes, which holds for each partition key. */
  readonly records: readonly PlannedRecord[]
  readonly figures: SourceFigures & TaskFigures
}

export function dmsLife(options: DmsLifeOptions): DmsLife {
  const random = seededRandom(options.seed)
  const endpoint = { ...anyEndpoint(random), ...options.endpoint }
  const settings = { ...anyTask(random), ...options.task }
  const story = { ...anyStory(random), ...options.story }

  const source = newSource(SOURCE_TABLES, { ...story, keys: options.keys }, random)
  const task = newTask(source, options.keys, settings, endpoint, random)
  live(source, task, story, options.changes, random)
  return {
    tables: SOURCE_TABLES,
    columns: source.columns,
    endpoint,
    task: settings,
    story,
    records: task.records,
    figures: { ...source.figures, ...task.figures() },
    ...truthOf(source, SOURCE_TABLES, task.records, endpoint.includeNullAndEmpty),
  }
}

/** Before DMS comes, a load, changes, resumes, perhaps a gap, a reload, and changes again. */
function live(source: SourceDatabase, task: Task, story: Story, changes: number, random: Random): void {
  const keyed = SOURCE_TABLES.filter(hasKey)

  function transaction(tables: readonly SourceTable[]): number {
    const happenings: Happening[] = []
    for (let count = 1 + random.below(3); count > 0; count--) happenings.push(source.change(random.pick(tables)))
    task.commit(happenings)
    return happenings.length
  }
  function change(share: number, tables: readonly SourceTable[]): void {
    for (let left = changes * share; left > 0; ) left -= transaction(tables)
  }
  /** First the tables with whole images, then the others. */
  function load(tables: readonly SourceTable[], withDropTable: boolean): void {
    let left = changes * 0.2
    const meanwhile = (): void => {
      if (left > 0 && random.chance(0.7)) left -= transaction(tables)
    }
    task.load(
      tables.filter(({ images }) => images === 'whole'),
      withDropTable,
      meanwhile,
    )
    task.load(
      tables.filter(({ images }) => images !== 'whole'),
      withDropTable,
      meanwhile,
    )
  }
  function changeAndResume(share: number, resumes: number): void {
    for (let part = 0; part <= resumes; part++) {
      if (part > 0) task.resume()
      change(share / (resumes + 1), SOURCE_TABLES)
    }
  }

  task.lookAway(SOURCE_TABLES)
  change(0.15, SOURCE_TABLES)
  load(SOURCE_TABLES, true)
  const later = Math.floor(story.resumes / 2)
  changeAndResume(0.2, story.resumes - later)
  if (story.addColumns) {
    for (const table of keyed) {
      if (random.chance(0.5)) continue
      source.addColumn(table)
      task.addedColumn(table)
    }
  }
  if (story.widenColumns) {
    for (const table of keyed.filter(({ widened }) => widened !== null)) {
      source.widenColumn(table)
      task.widenedColumn(table)
    }
  }
  change(0.1, SOURCE_TABLES)
  if (story.reload !== 'none') {
    if (story.gap) {
      task.lookAway(keyed)
      change(0.1, keyed)
    }
    load(keyed, story.reload === 'with-drop-table')
  }
  changeAndResume(0.15, later)
}

function anyEndpoint(random: Random): Endpoint {
  return {
    messageFormat: random.pick(['json', 'json-unformatted']),
    includeTransactionDetails: random.pick(['on', 'id', 'off']),
    includePartitionValue: random.chance(0.5),
    partitionIncludeSchemaTable: random.chance(0.7),
    includeTableAlterOperations: random.chance(0.7),
    includeControlDetails: random.chance(0.7),
    includeNullAndEmpty: random.chance(0.7),
    noHexPrefix: random.chance(0.3),
    mapBooleanAsBoolean: random.chance(0.3),
    beforeImageField: random.pick(['before-image', 'BI']),
  }
}

function anyTask(random: Random): TaskSettings {
  return {
    beforeImages: random.pick(['pk-only', 'all']),
    oldKey: random.pick(['whole', 'changed-parts']),
    parallelApply: random.chance(0.5),
    movedBy: random.pick(['new-key', 'old-key']),
    cachedTime: random.pick(['caught', 'sent']),
  }
}

function anyStory(random: Random): Story {
  return {
    reload: random.pick(['none', 'with-drop-table', 'without-drop-table']),
    gap: random.chance(0.6),
    resumes: random.below(5),
    addColumns: random.chance(0.7),
    widenColumns: false,
    deletes: 0.2,
    moves: 0.5,
  }
}
