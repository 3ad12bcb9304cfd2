import type { Facts, SourceTable } from '../../batch.ts'
import {
  type Change,
  type ColumnType,
  plainChange,
  type Row,
  type SchemaChange,
  type StreamChange,
  type TableName,
  tableLabel,
  traitsOfItem,
  type UnreadImages,
} from '../../change.ts'
import { RelayError } from '../../errors.ts'
import type { Log } from '../../observe/log.ts'
import { refuseRoundedIntegers } from '../../rounded-integers.ts'
import { splitName } from '../../table-pattern.ts'
import type { Known, TableFacts } from '../table-facts.ts'
import { mergeFacts } from './fact-rules.ts'
import { type KeyObserver, KeyWaits } from './key-waits.ts'
import { MissingColumns, type MissingColumnsPolicy } from './missing-columns.ts'
import { keyOf, keyOfUnread } from './row-key.ts'
import {
  afterSchemaChange,
  factsFromJson,
  factsToJson,
  labelOf,
  NO_FACTS,
  type SourceFacts,
  subjectOf,
} from './source-facts.ts'
import { mayHoldOldOnes, UnreadBeforeImages } from './unread-before-images.ts'

export interface SourceTablesOptions {
  /** The key that the operator names for a table (`--key`); undefined where none is named. Empty: the table has none. */
  readonly declaredKey: (table: TableName) => readonly string[] | undefined
  /** The types that the operator names for columns of a table (`--type`). */
  readonly declaredTypes: (table: TableName) => ReadonlyMap<string, ColumnType>
  /** `--missing-columns`. */
  readonly missingColumns: MissingColumnsPolicy
  /** True if rows without a known key cannot be written: then they wait. */
  readonly needsKeys: boolean
  /** How long they wait. */
  readonly keyWaitMs: number
  /** Asks the target for the key of a table; null if it cannot tell. What it throws ends the delivery: it is for the caller to try again. */
  readonly askTarget: (table: TableName) => Promise<readonly string[] | null>
  readonly observer?: KeyObserver
  readonly log: Log
}

/** A table that was seen: its facts, and what they make together with what the operator says. */
interface KnownTable {
  /** Of the operator. */
  readonly types: ReadonlyMap<string, ColumnType>
  facts: SourceFacts
  table: SourceTable
  /** Whether before images that are not read were warned of. */
  hasUnreadImages: boolean
}

const SENDS_NULLS = 'sends-nulls'

/**
 * What is known of the tables of a DMS feed, and what it adds to their changes: a data record names neither its key nor
 * its types, and does not say what it means that a column is missing. Changes of DynamoDB need nothing of this.
 *
 * A key is the operator's (`--key`), else that of `create-table`, else that of the target's own table. What the stream and
 * the target say are facts: they become durable with the batch in which they were learned, so a restart knows them.
 */
export class SourceTables implements TableFacts {
  readonly #options: SourceTablesOptions
  readonly #waits: KeyWaits
  readonly #missing: MissingColumns
  readonly #unread: UnreadBeforeImages
  /** By label. */
  #known = new Map<string, KnownTable>()
  /** The table of the change before: building a label for each record would cost more than all the rest here. */
  #last: KnownTable | undefined
  /** The snapshot last handed out (batches keep a reference); null after a change. */
  #tables: ReadonlyMap<string, SourceTable> | null = null
  #news = new Map<string, string>()

  constructor(options: SourceTablesOptions) {
    const { missingColumns, keyWaitMs, askTarget, observer = {}, log } = options
    this.#options = options
    this.#missing = new MissingColumns(missingColumns, log)
    this.#unread = new UnreadBeforeImages(log)
    const onAnswer = (table: TableName, key: readonly string[]): void => this.#recordKey(table, key)
    this.#waits = new KeyWaits({ keyWaitMs, askTarget, onAnswer, observer })
  }

  complete(item: StreamChange): StreamChange {
    if (!traitsOfItem(item).definesTables) return item
    if (item.kind === 'change') return this.#complete(item)
    this.#learn(item)
    return item
  }

  get hasNews(): boolean {
    return this.#tables === null || this.#news.size > 0
  }

  take(): Known {
    this.#tables ??= new Map([...this.#known].map(([label, { table }]) => [label, table]))
    const facts = this.#news
    this.#news = new Map()
    return { tables: this.#tables, facts }
  }

  restore(facts: Facts): void {
    this.#known = new Map()
    this.#last = undefined
    this.#tables = null
    this.#news = new Map()
    this.#waits.forget()
    this.#missing.sendsNulls = facts.has(SENDS_NULLS)
    for (const [subject, json] of facts) {
      const label = labelOf(subject)
      if (label !== null) this.#known.set(label, this.#knownOf(nameOf(label), factsFromJson(subject, json)))
    }
  }

  merge(facts: Facts): void {
    this.#missing.sendsNulls ||= facts.has(SENDS_NULLS)
    for (const [subject, json] of facts) {
      const label = labelOf(subject)
      if (label === null) continue
      const known = this.#of(nameOf(label))
      this.#record(known, mergeFacts(known.facts, factsFromJson(subject, json)))
    }
  }

  #complete(change: Change): Change {
    const known = this.#of(change.table)
    const { unread } = change
    if (unread !== undefined) return this.#completeUnread(change, unread, known)
    const { after } = change
    if (!known.hasUnreadImages) known.hasUnreadImages = this.#unread.look(change)
    if (after !== null) this.#look(change, after, known.facts)
    if (change.inExponentForm !== undefined) {
      refuseRoundedIntegers(change, (column) =>
        INTEGERS.has(known.types.get(column) ?? known.facts.columns.get(column)),
      )
    }
    const key = this.#keyOf(change, known.table, keyOf)
    if (change.op !== 'update') return { ...plainChange(change), key, complete: true }
    const complete = this.#missing.meanNull
    const image = complete ? this.#missing.withLargeValues(after!, change.before) : after
    return { ...plainChange(change), key, complete, after: image }
  }

  /** The same of a change whose values are not read, as far as it goes without them. */
  #completeUnread(change: Change, unread: UnreadImages, known: KnownTable): Change {
    const { row, hasBefore } = unread
    const mustRead =
      (!known.hasUnreadImages && row !== null && !hasBefore && change.op === 'update' && mayHoldOldOnes(row)) ||
      (hasBefore && change.op === 'update' && this.#missing.meanNull)
    if (mustRead) return this.#complete(plainChange(change))
    if (row !== null) {
      if (this.#missing.isFirstNullIn(unread)) this.#news.set(SENDS_NULLS, 'true')
      this.#missing.lookAt(change, row, known.facts.columns)
    }
    const key = this.#keyOf(change, known.table, keyOfUnread)
    return unread.completed(key, change.op !== 'update' || this.#missing.meanNull)
  }

  #look(change: Change, after: Row, { columns }: SourceFacts): void {
    if (this.#missing.isFirstNull(after)) this.#news.set(SENDS_NULLS, 'true')
    this.#missing.look(change, after, columns.keys())
  }

  #keyOf(
    change: Change,
    { key }: SourceTable,
    read: (change: Change, keyColumns: readonly string[]) => Row,
  ): Row | null {
    if (key !== null && key.length > 0) return read(change, key)
    if (!this.#options.needsKeys) return null
    if (key === null) throw this.#waits.keyUnknownYet(change)
    if (change.op === 'insert' || change.op === 'load') return null
    throw new RelayError('NO_KEY', `The change is ${A[change.op]} in table ${tableLabel(change.table)}`)
  }

  #learn(change: SchemaChange): void {
    const known = this.#of(change.table)
    this.#record(known, afterSchemaChange(known.facts, change))
  }

  #recordKey(name: TableName, key: readonly string[]): void {
    const known = this.#of(name)
    this.#record(known, { ...known.facts, key })
  }

  #record(known: KnownTable, facts: SourceFacts): void {
    const json = factsToJson(facts)
    if (json === factsToJson(known.facts)) return
    known.facts = facts
    this.#news.set(subjectOf(tableLabel(known.table.name)), json)
    const table = this.#tableOf(known.table.name, facts, known.types)
    if (isSame(table, known.table)) return
    this.#sayOtherKey(known.table, table)
    known.table = table
    this.#tables = null
    if (table.key !== null) this.#waits.end(table.name, table.key)
  }

  #sayOtherKey({ name, key: was }: SourceTable, { key: is }: SourceTable): void {
    if (was === null || is === null || JSON.stringify(was) === JSON.stringify(is)) return
    const shown = (key: readonly string[]): string => key.map((column) => `"${column}"`).join(', ') || 'none'
    const said = `The key of ${tableLabel(name)} was ${shown(was)}, and is now ${shown(is)}, says the source`
    this.#options.log.warn({ code: 'KEY_CHANGED', table: tableLabel(name) }, said)
  }

  #of(name: TableName): KnownTable {
    const last = this.#last?.table.name
    if (last !== undefined && last.name === name.name && last.schema === name.schema) return this.#last!
    const label = tableLabel(name)
    let known = this.#known.get(label)
    if (known === undefined) {
      known = this.#knownOf(name, NO_FACTS)
      this.#known.set(label, known)
      this.#tables = null
    }
    this.#last = known
    return known
  }

  #knownOf(name: TableName, facts: SourceFacts): KnownTable {
    const types = this.#options.declaredTypes(name)
    return { types, facts, table: this.#tableOf(name, facts, types), hasUnreadImages: false }
  }

  /** The operator's word counts more than the facts. But a column is there only if they have it: `--type` may have meant another table that matches. */
  #tableOf(name: TableName, { key, columns, floor }: SourceFacts, types: KnownTable['types']): SourceTable {
    return {
      name,
      key: this.#options.declaredKey(name) ?? key,
      columns: new Map(Array.from(columns, ([column, type]) => [column, types.get(column) ?? type])),
      values: 'textual',
      floor,
    }
  }
}

function isSame(a: SourceTable, b: SourceTable): boolean {
  const textOf = ({ key, columns, floor }: SourceTable): string => JSON.stringify([key, [...columns], floor])
  return textOf(a) === textOf(b)
}

function nameOf(label: string): TableName {
  const parts = splitName(label)
  return { schema: parts.length === 2 ? parts[0]! : null, name: parts.at(-1)! }
}

const INTEGERS: ReadonlySet<ColumnType | undefined> = new Set([
  'int8',
  'int16',
  'int32',
  'int64',
  'uint8',
  'uint16',
  'uint32',
  'uint64',
])

const A = { update: 'an update', delete: 'a delete' } as const
