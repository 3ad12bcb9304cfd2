import type { SourceTable } from '../batch.ts'
import {
  type Change,
  type ColumnDefinition,
  type Row,
  type SchemaChange,
  type Skip,
  type StreamChange,
  tableLabel,
  toJson,
  traitsOf,
} from '../change.ts'
import { RelayError } from '../errors.ts'
import type { Stage } from '../stages/stage.ts'

/** All stages of a relay as one, with each result looked at: a stage must leave keys alone. */
export class Stages {
  readonly #admitting: readonly Stage[]
  readonly #changing: readonly Stage[]
  readonly #defining: readonly Stage[]
  /** By definition as the source gave it, so that what did not change stays the same object for those who compare. */
  readonly #tables = new WeakMap<SourceTable, SourceTable | null>()

  constructor(stages: readonly Stage[]) {
    this.#admitting = stages.filter(({ admit }) => admit !== undefined)
    this.#changing = stages.filter(({ change }) => change !== undefined)
    this.#defining = stages.filter(({ table }) => table !== undefined)
  }

  admit(item: StreamChange): Skip | null {
    for (const stage of this.#admitting) {
      const skip = stage.admit!(item)
      if (skip !== null) return skip
    }
    return null
  }

  /** @throws RelayError STAGE_KEY, and what a stage throws */
  alter(item: StreamChange): StreamChange | Skip {
    return item.kind === 'change' ? this.#change(item) : this.#schema(item)
  }

  /** The definitions as the target is to see them, by their labels; without those that a stage skips. */
  tables(tables: ReadonlyMap<string, SourceTable>): ReadonlyMap<string, SourceTable> {
    if (this.#defining.length === 0) return tables
    const altered = new Map<string, SourceTable>()
    for (const table of tables.values()) {
      const seen = this.#tableOf(table)
      if (seen !== null) altered.set(tableLabel(seen.name), seen)
    }
    return altered
  }

  #change(change: Change): Change | Skip {
    let altered = change
    for (const stage of this.#changing) {
      const next = stage.change!(altered)
      if (next.kind === 'skip') return next
      if (next !== altered) requireSameKey(altered, next)
      altered = next
    }
    return altered
  }

  #schema(change: SchemaChange): SchemaChange | Skip {
    if (this.#defining.length === 0) return change
    const table = definitionOf(change)
    const altered = this.#define(table)
    if ('kind' in altered) return { kind: 'skip', reason: altered.reason, source: change.source }
    return altered === table ? change : withDefinition(change, altered)
  }

  #tableOf(table: SourceTable): SourceTable | null {
    let seen = this.#tables.get(table)
    if (seen === undefined) {
      const altered = this.#define(table)
      seen = 'kind' in altered ? null : altered
      this.#tables.set(table, seen)
    }
    return seen
  }

  #define(table: SourceTable): ReturnType<NonNullable<Stage['table']>> {
    let altered = table
    for (const stage of this.#defining) {
      const next = stage.table!(altered)
      if ('kind' in next) return next
      if (JSON.stringify(next.key) !== JSON.stringify(altered.key)) throw keyAltered(tableLabel(altered.name))
      altered = next
    }
    return altered
  }
}

/** @throws RelayError STAGE_KEY if the key is not what it was, or `after` says now that the row moved to another */
function requireSameKey(was: Change, is: Change): void {
  const isSame = is.key === was.key || toJson(is.key) === toJson(was.key)
  if (isSame && (is.after === null || was.after === null || hasSameKeyColumns(was, is.after))) return
  const { shard, sequence } = was.source
  throw keyAltered(tableLabel(was.table), { shard, sequence })
}

function hasSameKeyColumns({ key, after }: Change, now: Row): boolean {
  for (const column in key) {
    const was = after![column]
    const is = now[column]
    if (was !== is && (was === undefined || is === undefined || toJson(was) !== toJson(is))) return false
  }
  return true
}

function keyAltered(table: string, place: Readonly<Record<string, string>> = {}): RelayError {
  return new RelayError('STAGE_KEY', `A stage altered the key of table ${table}`, { table, ...place })
}

/** What a schema change says of its table, in the shape that stages take. */
function definitionOf({ table, columns = [], primaryKey, source }: SchemaChange): SourceTable {
  return {
    name: table,
    key: primaryKey ?? null,
    columns: new Map(columns.map(({ name, type }) => [name, type])),
    values: traitsOf(source).values,
    floor: null,
  }
}

function withDefinition(change: SchemaChange, { name, columns }: SourceTable): SchemaChange {
  if (change.columns === undefined) return { ...change, table: name }
  const nullable = new Map(change.columns.map((column) => [column.name, column.nullable]))
  const definitions = Array.from(
    columns,
    ([column, type]): ColumnDefinition => ({ name: column, type, nullable: nullable.get(column) ?? true }),
  )
  return { ...change, table: name, columns: definitions }
}
