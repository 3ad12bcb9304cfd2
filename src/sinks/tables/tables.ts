import { sql } from 'kysely'
import type { SourceTable } from '../../batch.ts'
import { type Change, type TableName, tableLabel } from '../../change.ts'
import { RelayError } from '../../errors.ts'
import type { Catalogue, Remembered, TableWork } from './catalogue.ts'
import type { Database, Statement } from './database.ts'
import type { AddedColumn, Additions, Layout, Misfit, TargetTable } from './layout.ts'
import { alter } from './mismatches.ts'
import type { Relation } from './relation.ts'
import type { TargetRules } from './rules.ts'
import type { TargetNames } from './style.ts'
import type { Mapping, Target, Wanted, WantedKey } from './target.ts'

export interface TablesOptions<To, R extends Relation> {
  readonly catalogue: Catalogue<R>
  /** How rows of a feed lie in their table. */
  readonly layoutOf: (feed: 'dms' | 'dynamodb') => Layout<To, R>
  readonly rules: Pick<TargetRules, 'routes' | 'createTables' | 'onSchemaChange' | 'log'>
  readonly defaultSchema: string
  readonly names: TargetNames
}

/** A source table, for which a target is made or looked at. */
export interface Subject {
  /** As `tableLabel` prints it. */
  readonly source: string
  readonly name: TableName
  readonly known: SourceTable | null
  /** What is to be written; may be empty where the table is known. */
  readonly changes: readonly Change[]
}

/** The target tables of one relay: where each source table goes, made or checked at its first change of a run, and again with every news of it. */
export interface Tables<To = Database> {
  /** Reads what earlier runs remembered. */
  load(name: string): Promise<void>
  /** Undefined until learned, and if more is known of the source table since. */
  find(source: string, known: SourceTable | null): TargetTable<To> | undefined
  /**
   * Makes the table if it is missing, checks it if it is there, adds columns to it. Does nothing as long as it cannot be
   * told what the table needs.
   * Where the key is another one than it was, the table must have it, or be gone: then it is made anew.
   * @throws RelayError SINK_TABLE with everything that does not fit, SCHEMA_CHANGE
   */
  learn(subject: Subject): Promise<void>
  /** The columns of the source that make up the primary key of the target as it is; null if there is none. */
  keyColumns(table: TableName): Promise<readonly string[] | null>
  /** What is known may be wrong: learn again. */
  forget(): void
}

export function targetTables<To, R extends Relation>(options: TablesOptions<To, R>): Tables<To> {
  const { catalogue, layoutOf, defaultSchema, names } = options
  const { routes, createTables, onSchemaChange, log } = options.rules
  const remembered = new Map<string, Remembered>()
  const known = new Map<string, TargetTable<To>>()

  async function learn(subject: Subject): Promise<void> {
    const target = targetOf(subject.name)
    refuseShared(target, remembered.values())
    const before = remembered.get(target.source)
    const isDms = subject.known !== null || subject.changes[0]?.source.format === 'dms'
    const layout = layoutOf(isDms ? 'dms' : 'dynamodb')
    const sure = layout.wanted({ ...subject, remembered: before?.columns ?? [] })
    if (sure === null) return
    const guesses = await guessedColumns(target, sure)
    const wanted =
      guesses.length === 0 ? sure : layout.wanted({ ...subject, remembered: [...(before?.columns ?? []), ...guesses] })!
    refuseSharedColumns(target, [...wanted.keys, ...wanted.columns])
    const oldKeys = before !== undefined && shownKeys(before.keys) !== shownKeys(wanted.keys) ? before.keys : null

    const remembering = { ...target, keys: wanted.keys, columns: sure.columns.map(mappingOf) }
    const table = await catalogue.work(async (work) => {
      // Where the key is another one, the operator has let the old table go.
      const made = oldKeys === null ? before : undefined
      const found = (await work.look(target.schema, target.name)) ?? (await make(work, layout, target, wanted, made))
      if (found === null) return null
      const relation = await complete(work, layout.additions(target, wanted, found), target, found, made)
      const misfits = layout.misfits(target, wanted, relation)
      if (oldKeys !== null) refuseOldTable(target, oldKeys, wanted.keys, misfits)
      refuseMisfits(target, misfits)
      const table = layout.bind(target, wanted, relation, subject.known)
      await makeBeside(work, layout, table, relation, oldKeys !== null)
      await work.remember(remembering)
      return table
    })
    if (table === null) return
    remembered.set(target.source, remembering)
    known.set(target.source, table)
    if (oldKeys !== null) {
      const [was, is] = [shownKeys(oldKeys), shownKeys(wanted.keys)]
      log.warn({ source: target.source, table: label(target), was, is }, 'The table has another key from now on')
    }
  }

  /**
   * The columns that the source seems to have had, but those that an attribute is seen to go to: its name in the target
   * may be another one.
   */
  async function guessedColumns(target: Target, { columns }: Wanted): Promise<readonly Mapping[]> {
    const guesses = (await catalogue.columnsBefore?.(target)) ?? []
    return guesses.filter((guess) => !columns.some(({ column }) => column === guess.column))
  }

  function targetOf(table: TableName): Target {
    const { schema, name } = routes(table) ?? table
    return { source: tableLabel(table), schema: names.schema(schema ?? defaultSchema), name: names.table(name) }
  }

  /**
   * Makes a table that is missing, unless the operator wants to, or it was there before: then it is not for us to begin it anew.
   * Null if it cannot be told yet what it needs.
   */
  async function make(
    work: TableWork<R>,
    layout: Layout<To, R>,
    target: Target,
    wanted: Wanted,
    before: Remembered | undefined,
  ): Promise<R | null> {
    const create = layout.create(target, wanted)
    if (create === null) return null
    const isSchemaMissing = await work.lacksSchema(target.schema)
    if (isSchemaMissing && names.isReserved(target.schema)) throw reservedSchema(target)
    const statements = [...(isSchemaMissing ? [sql`CREATE SCHEMA ${sql.id(target.schema)}`] : []), ...create]
    if (createTables === 'never' || (before !== undefined && isSameTarget(before, target))) {
      const why =
        createTables === 'never'
          ? 'is missing, and --create-tables is never'
          : 'is gone, though this relay has written it before, and its rows with it. Restore it; or, to go on with what changes from now on'
      throw new RelayError('SINK_TABLE', `Table ${label(target)} ${why}: ${statements.map(text).join('; ')}`, {
        table: target.source,
      })
    }
    await work.run(statements)
    log.info({ source: target.source, table: label(target) }, 'Made a table')
    return (await work.look(target.schema, target.name))!
  }

  /** Adds columns, as far as the operator wants it. @throws RelayError with the statements where they are not for us to run */
  async function complete(
    work: TableWork<R>,
    { own, optional, columns }: Additions,
    target: Target,
    relation: R,
    before: Remembered | undefined,
  ): Promise<R> {
    const table = { table: target.source }
    const add = ({ name, definition }: AddedColumn) => alter(target, sql`ADD COLUMN ${sql.id(name)} ${definition}`)
    const shown = (columns: readonly AddedColumn[]): string => columns.map((one) => `\n  - ${text(add(one))};`).join('')
    if (columns.length > 0 && onSchemaChange === 'stop') {
      const detail = `The source has columns that table ${label(target)} lacks:${shown(columns)}\n`
      throw new RelayError('SCHEMA_CHANGE', detail, table)
    }
    const added = onSchemaChange === 'add-only' ? columns : []
    const missing = [...own, ...optional, ...added]
    const isEnough = createTables === 'never' ? missing.length === optional.length : missing.length === 0
    if (isEnough) return relation
    if (createTables === 'never') {
      const detail = `Table ${label(target)} lacks columns, and --create-tables is never:${shown(missing)}\n`
      throw new RelayError('SINK_TABLE', detail, table)
    }
    await (work.addColumns?.(target, missing) ?? work.run(missing.map(add)))
    const [again, news] = partition(added, ({ name }) => before?.columns.some(({ column }) => column === name) ?? false)
    if (news.length > 0) {
      log.info({ source: target.source, columns: news.map(({ name }) => name) }, 'Added columns that the source has')
    }
    if (again.length > 0) {
      log.warn({ source: target.source, table: label(target), columns: again.map(({ name }) => name) }, MADE_AGAIN)
    }
    return (await work.look(target.schema, target.name))!
  }

  async function makeBeside(
    work: TableWork<R>,
    layout: Layout<To, R>,
    table: TargetTable<To>,
    relation: R,
    hasOtherKey: boolean,
  ): Promise<void> {
    const beside = layout.beside(table, relation)
    if (beside === null || (createTables === 'never' && !beside.needed)) return
    const there = await work.look(beside.schema, beside.name)
    if (there === undefined) return await work.run([beside.create])
    const misfits = beside.misfits(there)
    const cures = misfits.flatMap(({ cure }) => cure ?? [])
    if (hasOtherKey && createTables === 'auto' && misfits.length > 0 && cures.length === misfits.length) {
      // Tombstones of the old key say nothing of rows under the new one.
      return await work.run([...cures, beside.create])
    }
    refuseMisfits(table, misfits)
    if (beside.isOutdated(there)) await work.run([beside.create])
  }

  /** The operator decides what becomes of rows that stand under the old key: alters the table, or drops it. */
  function refuseOldTable(
    target: Target,
    was: readonly WantedKey[],
    is: readonly WantedKey[],
    misfits: readonly Misfit[],
  ): void {
    if (misfits.length === 0) return
    const drop = text(sql`DROP TABLE ${sql.id(target.schema, target.name)}`)
    const change = `The key of the table was ${shownKeys(was) || 'none'}, and is now ${shownKeys(is) || 'none'}`
    const what = `${change}. Table ${label(target)} has the old one. Let the relay make it anew: ${drop}; (with CASCADE where a view shows it); or alter it:`
    const then = 'Then start the relay again under the same --name; after a DROP, reload the table at the source.'
    throw new RelayError('SINK_TABLE', `${what}${listOf(misfits)}\n${then}`, { table: target.source })
  }

  function refuseMisfits(target: Target, misfits: readonly Misfit[]): void {
    if (misfits.length === 0) return
    const detail = `Table ${label(target)} does not fit what the relay writes:${listOf(misfits)}\n`
    throw new RelayError('SINK_TABLE', detail, { table: target.source })
  }

  const listOf = (misfits: readonly Misfit[]): string =>
    misfits.map(({ what, cure }) => `\n  - ${what}${cure === null ? '' : `: ${text(cure)};`}`).join('')

  const text = (statement: Statement): string => catalogue.textOf(statement).replace(/\s+/g, ' ')

  return {
    async load(name) {
      remembered.clear()
      known.clear()
      for (const table of await catalogue.load(name)) remembered.set(table.source, table)
    },

    find(source, ofSource) {
      const table = known.get(source)
      return table?.known === ofSource && table.isOutdated?.() !== true ? table : undefined
    },

    learn,

    async keyColumns(table) {
      const target = targetOf(table)
      const relation = await catalogue.look(target.schema, target.name)
      const columns = relation?.uniques?.find(({ primary }) => primary)?.columns
      if (columns === undefined) return null
      const mappings = remembered.get(target.source)?.columns ?? []
      return columns.map((name) => mappings.find(({ column }) => column === name)?.attribute ?? name)
    },

    forget: () => known.clear(),
  }
}

function reservedSchema({ source, schema }: Target): RelayError {
  const begins = `Schema "${schema}" cannot be made, for the target keeps names that begin with "${schema.slice(0, 3)}" for itself`
  const cure = `Send its tables to another schema: \`--table '${tableLabel({ schema: null, name: schema })}.*=app.*'\`, under another \`--name\` if this relay has run before`
  return new RelayError('SINK_TABLE', `${begins}. ${cure}`, { table: source })
}

const MADE_AGAIN =
  'Made columns that the source had before and the target lacked: they were dropped there, or left out under `--on-schema-change ignore`. Rows written until now lack their values, which come with the next change of each row, or with a reload of the table by DMS'

function partition<T>(items: readonly T[], isFirst: (item: T) => boolean): [T[], T[]] {
  const parts: [T[], T[]] = [[], []]
  for (const item of items) parts[isFirst(item) ? 0 : 1].push(item)
  return parts
}

const mappingOf = ({ attribute, column }: Mapping): Mapping => ({ attribute, column })

const label = ({ schema, name }: Target): string => tableLabel({ schema, name })

const isSameTarget = (a: Target, b: Target): boolean => a.schema === b.schema && a.name === b.name

function refuseShared(target: Target, others: Iterable<Target>): void {
  for (const other of others) {
    if (other.source === target.source || !isSameTarget(other, target)) continue
    const detail = `The source tables ${other.source} and ${target.source} would both go to ${label(target)}; give one another target with --table`
    throw new RelayError('SINK_TABLE', detail)
  }
}

function refuseSharedColumns(target: Target, mappings: readonly Mapping[]): void {
  const byColumn = new Map<string, string>()
  for (const { attribute, column } of mappings) {
    const other = byColumn.get(column)
    if (other !== undefined && other !== attribute) {
      const detail = `The attributes "${other}" and "${attribute}" would both go to column "${column}"`
      throw new RelayError('SINK_TABLE', detail, { table: target.source })
    }
    byColumn.set(column, attribute)
  }
}

const shownKeys = (keys: readonly WantedKey[]): string =>
  keys.map(({ attribute, family }) => `"${attribute}"${family === null ? '' : ` ${family}`}`).join(', ')
