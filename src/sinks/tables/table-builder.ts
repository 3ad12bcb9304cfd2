import { sql } from 'kysely'
import type { SourceTable } from '../../batch.ts'
import type { RememberedTable, TableWork } from './catalogue.ts'
import type { Statement } from './database.ts'
import type { AddedColumn, Companion, Layout, TargetTable } from './layout.ts'
import { alter } from './mismatches.ts'
import { DELETED } from './own-columns.ts'
import type { Relation } from './relation.ts'
import type { TargetRules } from './rules.ts'
import type { TargetNames } from './style.ts'
import {
  isSameTarget,
  label,
  missingColumns,
  missingTable,
  movedTable,
  newSourceColumns,
  oldKeyTable,
  otherLayout,
  reservedSchema,
  type ShowStatement,
  wrongTable,
} from './table-errors.ts'
import type { DesiredKey, DesiredTable, Target } from './target.ts'

/** One table to make ready. */
export interface TableJob<To, R extends Relation> {
  readonly target: Target
  readonly layout: Layout<To, R>
  readonly desired: DesiredTable
  readonly known: SourceTable | null
  /** As it was remembered, unless it has another key now. */
  readonly before: RememberedTable | undefined
  /** Its key before, if that was another one. */
  readonly oldKeys: readonly DesiredKey[] | null
  /** Its layout before, if that was the other one. */
  readonly oldLayout: 'columns' | 'document' | null
  /** Where its rows were written until now, if that is another place. */
  readonly movedFrom: Target | null
}

/** Creates what is missing of a target table, and checks what is there. */
export class TableBuilder<To, R extends Relation> {
  readonly #rules: Pick<TargetRules, 'createTables' | 'onSchemaChange' | 'log'>
  readonly #names: TargetNames
  readonly #show: ShowStatement

  constructor(
    rules: Pick<TargetRules, 'createTables' | 'onSchemaChange' | 'log'>,
    names: TargetNames,
    show: ShowStatement,
  ) {
    this.#rules = rules
    this.#names = names
    this.#show = show
  }

  /**
   * Null while it is unknown what the table needs.
   * @throws RelayError SINK_TABLE, SCHEMA_CHANGE
   */
  async build(work: TableWork<R>, job: TableJob<To, R>): Promise<TargetTable<To> | null> {
    const { target, layout, desired, known } = job
    const there = await work.look(target.schema, target.name)
    if (there !== undefined || job.movedFrom !== null) await this.#requireDecided(work, job, there)
    const found = there ?? (await this.#create(work, job))
    if (found === null) return null
    const relation = await this.#addColumns(work, job, found)
    this.#requireMatch(job, relation)
    const table = layout.bind(target, desired, relation, known)
    const companion = layout.companion(table, relation)
    if (companion !== null) {
      await this.#createCompanion(work, job, table, companion)
      await this.#inherit(work, job, companion)
    }
    return table
  }

  /** What becomes of rows that were written elsewhere, or in the other layout, the operator decides. @throws RelayError SINK_TABLE */
  async #requireDecided(work: TableWork<R>, job: TableJob<To, R>, there: R | undefined): Promise<void> {
    const { target, layout, desired, oldLayout, movedFrom } = job
    const old = movedFrom === null ? undefined : await work.look(movedFrom.schema, movedFrom.name)
    if (movedFrom === null || old === undefined) {
      // The same table, perhaps under another name.
      if (there !== undefined && oldLayout !== null) throw otherLayout(target, oldLayout, this.#show)
      return
    }
    const isMarked = old.columns.some(({ name }) => name === DELETED.name)
    if (there === undefined || isMarked) {
      const isSchemaMissing = await work.lacksSchema(target.schema)
      const schema = isSchemaMissing ? [createSchema(target)] : []
      const along = there === undefined ? this.#names.takeAlong(movedFrom, target) : null
      // Marks in the rows of one table say nothing about those of another.
      const create = isMarked ? null : [...schema, ...(layout.create(target, desired)?.statements ?? [])]
      const takeAlong = along === null ? null : [...schema, ...along]
      throw movedTable({ target, before: movedFrom, takeAlong, create }, this.#show)
    }
    const place = { code: 'TABLE_MOVED', source: target.source, was: label(movedFrom), is: label(target) } as const
    this.#rules.log.warn(
      place,
      'The table goes elsewhere from now on: rows that were written before stay where they are',
    )
  }

  /**
   * Creates a missing table, unless the operator does that, or the relay has written the table before: then its rows are
   * lost, and the relay must not start over with an empty one.
   */
  async #create(work: TableWork<R>, { target, layout, desired, before }: TableJob<To, R>): Promise<R | null> {
    const { createTables, log } = this.#rules
    const made = layout.create(target, desired)
    if (made === null) return null
    const isSchemaMissing = await work.lacksSchema(target.schema)
    if (isSchemaMissing && this.#names.isReserved(target.schema)) throw reservedSchema(target)
    const statements = [...(isSchemaMissing ? [createSchema(target)] : []), ...made.statements]
    if (createTables === 'never' || (before !== undefined && isSameTarget(before, target))) {
      throw missingTable(target, createTables, statements, this.#show)
    }
    await work.run(statements, { target, ...made })
    log.info({ code: 'TABLE_MADE', source: target.source, table: label(target) }, 'Made a table')
    return (await work.look(target.schema, target.name))!
  }

  /** Adds columns, as far as the operator lets the relay do that. */
  async #addColumns(work: TableWork<R>, { target, layout, desired, before }: TableJob<To, R>, relation: R): Promise<R> {
    const { createTables, onSchemaChange } = this.#rules
    const { own, optional, columns } = layout.additions(target, desired, relation)
    const add = ({ name, definition }: AddedColumn): Statement =>
      alter(target, sql`ADD COLUMN ${sql.id(name)} ${definition}`)
    if (columns.length > 0 && onSchemaChange === 'stop') throw newSourceColumns(target, columns.map(add), this.#show)
    const added = onSchemaChange === 'ignore' ? [] : columns
    const missing = [...own, ...optional, ...added]
    const isEnough = createTables === 'never' ? missing.length === optional.length : missing.length === 0
    if (isEnough) return relation
    if (createTables === 'never') throw missingColumns(target, missing.map(add), this.#show)
    const made = { target, columns: missing, keys: [] }
    await (work.addColumns?.(target, missing) ?? work.run(missing.map(add), made))
    this.#logAdded(target, added, before)
    return (await work.look(target.schema, target.name))!
  }

  #logAdded(target: Target, added: readonly AddedColumn[], before: RememberedTable | undefined): void {
    const { log } = this.#rules
    const hadBefore = ({ name }: AddedColumn): boolean => before?.columns.some(({ column }) => column === name) ?? false
    const again = added.filter(hadBefore).map(({ name }) => name)
    const firstAdded = added.filter((column) => !hadBefore(column)).map(({ name }) => name)
    if (firstAdded.length > 0)
      log.info(
        { code: 'COLUMNS_ADDED', source: target.source, columns: firstAdded },
        'Added columns that the source has',
      )
    if (again.length > 0) {
      const fields = { source: target.source, table: label(target), columns: again }
      log.warn({ code: 'COLUMNS_MADE_AGAIN', ...fields }, MADE_AGAIN)
    }
  }

  #requireMatch({ target, layout, desired, oldKeys }: TableJob<To, R>, relation: R): void {
    const mismatches = layout.mismatches(target, desired, relation)
    if (mismatches.length === 0) return
    if (oldKeys === null) throw wrongTable(target, mismatches, this.#show)
    throw oldKeyTable(target, oldKeys, desired.keys, mismatches, this.#show)
  }

  async #createCompanion(
    work: TableWork<R>,
    { oldKeys }: TableJob<To, R>,
    table: TargetTable<To>,
    companion: Companion,
  ): Promise<void> {
    const { createTables } = this.#rules
    if (createTables === 'never' && !companion.needed) return
    const there = await work.look(companion.schema, companion.name)
    if (there === undefined) return await work.run([companion.create])
    const mismatches = companion.mismatches(there)
    const fixes = mismatches.flatMap(({ fix }) => fix ?? [])
    if (oldKeys !== null && createTables === 'auto' && mismatches.length > 0 && fixes.length === mismatches.length) {
      // Tombstones of the old key say nothing about rows under the new one.
      return await work.run([...fixes, companion.create])
    }
    if (mismatches.length > 0) throw wrongTable(table, mismatches, this.#show)
    if (companion.isOutdated(there)) await work.run([companion.create])
  }

  /** Tombstones that lie elsewhere. Those of another key say nothing. */
  async #inherit(work: TableWork<R>, { desired: { keys }, movedFrom }: TableJob<To, R>, companion: Companion) {
    const inheritance = companion.inheritance?.(movedFrom) ?? null
    if (inheritance === null) return
    const from = await work.look(inheritance.schema, inheritance.name)
    const isOfKey = keys.every(({ column }) => from?.columns.some(({ name }) => name === column) === true)
    if (isOfKey && from!.columns.length === keys.length + 2) await work.run(inheritance.take)
  }
}

const createSchema = ({ schema }: Target): Statement => sql`CREATE SCHEMA ${sql.id(schema)}`

const MADE_AGAIN =
  'Made columns that the source had before and the target lacked: they were dropped there, or left out under `--on-schema-change ignore`. Rows written until now lack their values, which come with the next change of each row, or with a reload of the table by DMS'
