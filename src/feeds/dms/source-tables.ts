import {
  type Change,
  type ColumnType,
  type Decoded,
  type Row,
  type SchemaChange,
  type TableName,
  tableLabel,
} from '../../change.ts'
import type { Facts, SourceTable } from '../../batch.ts'
import { RelayError } from '../../errors.ts'
import type { Log } from '../../observe/log.ts'
import type { Learned } from '../../deliver/examined.ts'
import { KeyWaits } from './key-waits.ts'
import { MissingColumns, type MissingColumnsPolicy } from './missing-columns.ts'
import { refuseRoundedIntegers } from './rounded-integers.ts'
import { splitName } from '../../stages/route.ts'
import { keyOf } from './row-key.ts'
import { afterSchemaChange, fromLesson, NOTHING_TOLD, type Told, toLesson } from './table-facts.ts'
import { UnreadBeforeImages } from './unread-before-images.ts'

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
  readonly log: Log
}

/** A table that was seen: what was told of it, and what that makes together with what the operator says. */
interface Known {
  /** Of the operator. */
  readonly types: ReadonlyMap<string, ColumnType>
  told: Told
  table: SourceTable
  /** Whether before images that are not read were warned of. */
  hasUnreadImages: boolean
}

const TABLE_SUBJECT = 'table '
const SENDS_NULLS = 'sends-nulls'

/**
 * What is known of the tables of a DMS feed, and what it adds to their changes: a data record names neither its key nor
 * its types, and does not say what it means that a column is missing. Changes of DynamoDB need nothing of this.
 *
 * A key is the operator's (`--key`), else that of `create-table`, else that of the target's own table. What the stream and
 * the target told is a lesson: it becomes durable with the batch in which it was learned, so a restart knows it.
 */
export class SourceTables {
  readonly #options: SourceTablesOptions
  readonly #waits: KeyWaits
  readonly #missing: MissingColumns
  readonly #unread: UnreadBeforeImages
  /** By label. */
  #known = new Map<string, Known>()
  /** The table of the change before: building a label for each record would cost more than all the rest here. */
  #last: Known | undefined
  /** As it was last given away, for batches keep it; null if something changed since. */
  #tables: ReadonlyMap<string, SourceTable> | null = null
  #news = new Map<string, string>()

  constructor(options: SourceTablesOptions) {
    const { missingColumns, keyWaitMs, askTarget, log } = options
    this.#options = options
    this.#missing = new MissingColumns(missingColumns, log)
    this.#unread = new UnreadBeforeImages(log)
    const onAnswer = (table: TableName, key: readonly string[]): void => this.#targetTold(table, key)
    this.#waits = new KeyWaits({ keyWaitMs, askTarget, onAnswer, log })
  }

  /**
   * Learns from an item, and completes it where it is a change of DMS: `key`, and `complete` of an update. `key` stays
   * null where the table has none, and where it is not known and nobody needs it.
   *
   * @throws NotYet where the key is needed and not known; RelayError DECODE_EVENT for a change without a part of its key,
   * DECODE_VALUE for an integer that DMS rounded, NO_KEY for an update or delete in a table without key
   */
  pass(item: Decoded): Decoded {
    if (item.source.format !== 'dms' || item.kind === 'skip') return item
    if (item.kind === 'change') return this.#complete(item)
    this.#learn(item)
    return item
  }

  /** All tables that were seen, and what was learned since the call before. */
  learned(): Learned {
    this.#tables ??= new Map([...this.#known].map(([label, { table }]) => [label, table]))
    const lessons = this.#news
    this.#news = new Map()
    return { tables: this.#tables, facts: lessons }
  }

  /** Knows what these lessons say, and nothing else. @throws RelayError STATE_BROKEN */
  restore(lessons: Facts): void {
    this.#known = new Map()
    this.#last = undefined
    this.#tables = null
    this.#news = new Map()
    this.#waits.forget()
    this.#missing.sendsNulls = lessons.has(SENDS_NULLS)
    for (const [subject, json] of lessons) {
      if (!subject.startsWith(TABLE_SUBJECT)) continue
      const label = subject.slice(TABLE_SUBJECT.length)
      const told = fromLesson(subject, json)
      this.#known.set(label, this.#knownOf(nameOf(label), told))
    }
  }

  #complete(change: Change): Change {
    const known = this.#of(change.table)
    const { after } = change
    if (!known.hasUnreadImages) known.hasUnreadImages = this.#unread.look(change)
    if (after !== null) this.#look(change, after, known.told)
    if (change.inExponentForm !== undefined) {
      refuseRoundedIntegers(change, (column) => INTEGERS.has(known.types.get(column) ?? known.told.columns.get(column)))
    }
    const key = this.#keyOf(change, known.table)
    if (change.op !== 'update') return { ...change, key, complete: true }
    const complete = this.#missing.meanNull
    return { ...change, key, complete, after: complete ? this.#missing.withLargeValues(after!, change.before) : after }
  }

  #look(change: Change, after: Row, { columns }: Told): void {
    if (this.#missing.isFirstNull(after)) this.#news.set(SENDS_NULLS, 'true')
    this.#missing.look(change, after, columns.keys())
  }

  #keyOf(change: Change, { key }: SourceTable): Row | null {
    if (key !== null && key.length > 0) return keyOf(change, key)
    if (!this.#options.needsKeys) return null
    if (key === null) throw this.#waits.notYet(change)
    if (change.op === 'insert' || change.op === 'load') return null
    throw new RelayError('NO_KEY', `The change is ${A[change.op]} in table ${tableLabel(change.table)}`)
  }

  #learn(change: SchemaChange): void {
    const known = this.#of(change.table)
    this.#tell(known, afterSchemaChange(known.told, change))
  }

  #targetTold(name: TableName, key: readonly string[]): void {
    const known = this.#of(name)
    this.#tell(known, { ...known.told, key })
  }

  #tell(known: Known, told: Told): void {
    const lesson = toLesson(told)
    if (lesson === toLesson(known.told)) return
    known.told = told
    this.#news.set(`${TABLE_SUBJECT}${tableLabel(known.table.name)}`, lesson)
    const table = this.#tableOf(known.table.name, told, known.types)
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
    this.#options.log.warn({ table: tableLabel(name) }, said)
  }

  #of(name: TableName): Known {
    const last = this.#last?.table.name
    if (last !== undefined && last.name === name.name && last.schema === name.schema) return this.#last!
    const label = tableLabel(name)
    let known = this.#known.get(label)
    if (known === undefined) {
      known = this.#knownOf(name, NOTHING_TOLD)
      this.#known.set(label, known)
      this.#tables = null
    }
    this.#last = known
    return known
  }

  #knownOf(name: TableName, told: Told): Known {
    const types = this.#options.declaredTypes(name)
    return { types, told, table: this.#tableOf(name, told, types), hasUnreadImages: false }
  }

  /** The operator's word counts more than what was told. But a column is there only if that was told: its name may be that of another table that matches. */
  #tableOf(name: TableName, { key, columns, floor }: Told, types: Known['types']): SourceTable {
    return {
      name,
      key: this.#options.declaredKey(name) ?? key,
      columns: new Map(Array.from(columns, ([column, type]) => [column, types.get(column) ?? type])),
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
