import {
  type Change,
  compareDecimal,
  type DeadLetter,
  newRow,
  type Row as SourceRow,
  traitsOfItem,
  type Value,
} from '../../change.ts'
import { RelayError } from '../../errors.ts'
import { Fold, type FoldedKey, type KeyChange, Patched } from './fold.ts'
import type { OnRejected, Plan, PlanStep } from './layout.ts'
import { ValuesAside } from './set-aside.ts'
import { inSlices } from './slices.ts'
import type { BoundTable } from './target.ts'

/** A key as a mirrored table takes it. */
export interface Key {
  /** Equal for two keys exactly if the table takes them for one. */
  readonly text: string
  /** The JSON tokens of its columns, in the table's order. */
  readonly tokens: readonly string[]
}

/** A change at the key where it is seen. */
export class Placed implements KeyChange {
  readonly kind: KeyChange['kind']
  readonly change: Change
  readonly key: Key
  /** Where the row is until now, if the change moves it; null if it does not. */
  readonly from: Key | null

  constructor(kind: KeyChange['kind'], change: Change, key: Key, from: Key | null = null) {
    this.kind = kind
    this.change = change
    this.key = key
    this.from = from
  }

  get version(): string {
    return this.change.version
  }
}

/**
 * How the rows of a mirrored table travel.
 * @typeParam Row one row as the table's statements take it. Null for one if the table lacks a column that it could have
 */
export interface RowShape<Row> {
  /** @throws RelayError SINK_REFUSED for a key that the table cannot hold, SINK_TABLE for one of other columns */
  key(change: Change, key: SourceRow): Key

  /** Asked for every image before anything is made of it. @throws RelayError SINK_REFUSED, DECODE_VALUE if the table cannot hold it */
  check(change: Change): void

  /** True if the change sets every column that the table has of the source. */
  isWhole(change: Change): boolean

  /** True if partial images must be written apart from others of their key. */
  readonly writesPatchesSeparately: boolean

  /**
   * A whole row. The key has no tokens where the table has no key.
   * @param aside takes the values that go to `cdc_extra`
   */
  row(change: Change, key: Key, aside: ValuesAside): Row | null
  /** What is folded for a key, with at least one partial image. */
  patch(folded: Patched<Placed>, aside: ValuesAside): Row | null
  /** A partial image that takes its row from `from` to another key. */
  move(moved: Placed & { readonly from: Key }, aside: ValuesAside): Row | null
  /** A deleted row. */
  tombstone(change: Change, key: Key): Row
}

/** Resolves to how many rows were written. */
export type RowWrite<To> = (to: To, onRejected?: OnRejected) => Promise<number>

/** The statements of a mirrored table, each for any number of rows. @typeParam Row as the table's shape makes them */
export interface MirrorStatements<To, Row = string> {
  /** Whole rows; also those that are deleted and stay, marked. */
  upsert(rows: readonly Row[]): RowWrite<To>
  applyPatches(rows: readonly Row[]): RowWrite<To>
  /** Lays partial images over the rows at their old keys, and writes them at the new ones. */
  applyMoves(rows: readonly Row[]): RowWrite<To>
  /** For a table without key. */
  insert(rows: readonly Row[]): RowWrite<To>
  /** Deletes rows and leaves their tombstones, where the table has a table for those. */
  deleteRows(rows: readonly Row[]): RowWrite<To>
}

/**
 * The plan of a mirrored table, in any layout. The one rule, with every write: a change is applied if its version is not
 * smaller than the one that its key holds, nor than the table's floor. A row without version is older than everything.
 *
 * Hard deletes remove the row and leave its key and version in a table of tombstones, which every write also checks. A
 * transaction sees the tombstones of another only in statements that begin after that one's commit: writers of a table take
 * turns.
 * Soft deletes empty the row and mark it.
 */
export async function planMirror<To, Row>(
  table: BoundTable,
  shape: RowShape<Row>,
  statements: MirrorStatements<To, Row>,
  changes: readonly Change[],
): Promise<Plan<To> | null> {
  const plan = new MirrorPlan(table, shape, statements)
  if (table.keys.length === 0) await inSlices(changes, (slice) => plan.addKeyless(slice))
  else {
    const fold = new Fold<Placed>()
    await inSlices(changes, (slice) => {
      for (const change of slice) {
        try {
          place(fold, table, shape, change)
        } catch (error) {
          plan.refuse(change, error)
        }
      }
    })
    for (const { keys, moves } of fold.steps) {
      await inSlices([...keys.values()], (slice) => plan.addFolded(slice))
      plan.endStep(moves)
    }
  }
  return plan.finished()
}

/** Adds a change at its key; for a row that moves, at both keys. */
function place(fold: Fold<Placed>, table: BoundTable, shape: RowShape<unknown>, change: Change): void {
  const isAboveFloor = table.known?.floor == null || compareDecimal(change.version, table.known.floor) >= 0
  // From before the table was created again with another key: no row can match it.
  if (!isAboveFloor && !hasKeyOf(table, change)) return
  const from = shape.key(change, change.key ?? newRow())
  // A delete below the floor still removes its row: after a re-create nothing else would.
  if (change.op === 'delete') {
    fold.add(from.text, new Placed('delete', change, from))
    return
  }
  shape.check(change)
  const key = keyAfter(table, shape, change, from)
  const hasMoved = key.text !== from.text
  const isWhole = shape.isWhole(change)
  if (hasMoved && (isWhole || !isAboveFloor)) {
    fold.add(from.text, new Placed('delete', change, from, from))
  }
  if (!isAboveFloor) return
  if (isWhole) fold.add(key.text, new Placed('row', change, key))
  else if (hasMoved) fold.move(from.text, key.text, new Placed('patch', change, key, from))
  else {
    if (shape.writesPatchesSeparately) fold.close(key.text)
    fold.add(key.text, new Placed('patch', change, key))
    if (shape.writesPatchesSeparately) fold.close(key.text)
  }
}

const hasKeyOf = ({ keys }: BoundTable, { key, before, after }: Change): boolean =>
  keys.every(({ attribute }) => (key?.[attribute] ?? before?.[attribute] ?? after?.[attribute]) !== undefined)

/** The key that the row has after the change: an update can change it. */
function keyAfter(table: BoundTable, shape: RowShape<unknown>, change: Change, from: Key): Key {
  const { key, op } = change
  if (op !== 'update' || key === null || !movesKeys(change)) return from
  const isSame = ({ attribute }: { attribute: string }): boolean => {
    const value = newValue(change, attribute)
    return value === undefined || value === key[attribute]
  }
  if (table.keys.every(isSame)) return from
  const moved = newRow()
  for (const { attribute } of table.keys) moved[attribute] = newValue(change, attribute) ?? key[attribute]!
  return shape.key(change, moved)
}

/** A record of which no values were read has old values beside the row, or the row is where it was. */
const movesKeys = (change: Change): boolean =>
  change.unread === undefined ? traitsOfItem(change).movesKeys : change.unread.hasBefore

/** A value of `after`; undefined if that lacks it. */
export function newValue(change: Change, attribute: string): Value | undefined {
  const row = change.unread?.row
  if (row == null) return change.after?.[attribute]
  const column = row.names.indexOf(attribute)
  return column === -1 ? undefined : row.value(column)
}

/** Collects the rows of the statements. */
class MirrorPlan<To, Row> {
  readonly #table: BoundTable
  readonly #shape: RowShape<Row>
  readonly #refused: DeadLetter[] = []
  readonly #aside = new ValuesAside()
  readonly #statements: MirrorStatements<To, Row>
  readonly #steps: PlanStep<To>[] = []
  readonly #empty: (() => RowWrite<To>)[] = []
  #lacksColumns = false
  #upserts: Row[] = []
  #patches: Row[] = []
  #deletes: Row[] = []
  #vacated: Row[] = []

  constructor(table: BoundTable, shape: RowShape<Row>, statements: MirrorStatements<To, Row>) {
    this.#table = table
    this.#shape = shape
    this.#statements = statements
  }

  /** What the table cannot hold becomes a dead letter; the rest of the batch goes on. @throws `error`, if it says something else */
  refuse(change: Change, error: unknown): void {
    if (!(error instanceof RelayError) || (error.code !== 'SINK_REFUSED' && error.code !== 'DECODE_VALUE')) throw error
    const { code, detail } = error
    this.#refused.push({ kind: 'dead-letter', code, detail, change, source: change.source })
  }

  addFolded(slice: readonly FoldedKey<Placed>[]): void {
    for (const folded of slice) {
      if (folded instanceof Patched) this.#add(this.#patches, this.#shape.patch(folded, this.#aside))
      else if (folded.kind === 'row') this.#add(this.#upserts, this.#shape.row(folded.change, folded.key, this.#aside))
      else this.#addDelete(folded.change, folded.key, folded.from !== null)
    }
  }

  #addDelete(change: Change, key: Key, isVacated: boolean): void {
    const deletes = this.#table.hasTombstones ? this.#deletes : this.#upserts
    ;(isVacated ? this.#vacated : deletes).push(this.#shape.tombstone(change, key))
  }

  /** The statements of a step: what is folded for each key, then the rows that move between keys. */
  endStep(moves: readonly Placed[]): void {
    const { upsert, applyPatches, applyMoves, deleteRows } = this.#statements
    const remove = this.#table.hasTombstones ? deleteRows : upsert
    // The delete that a move leaves behind is no change of its own.
    const vacate = (rows: readonly Row[]): RowWrite<To> => {
      const write = remove(rows)
      return (to) => write(to).then(() => 0)
    }
    this.#write(this.#upserts, upsert)
    this.#write(this.#patches, applyPatches)
    this.#write(this.#deletes, remove)
    this.#write(this.#vacated, vacate)
    this.#upserts = []
    this.#patches = []
    this.#deletes = []
    this.#vacated = []

    const moved: Row[] = []
    for (const move of moves) {
      this.#add(moved, this.#shape.move(move as Placed & { from: Key }, this.#aside))
      this.#addDelete(move.change, move.from!, true)
    }
    this.#write(moved, applyMoves)
    this.#write(this.#vacated, vacate)
    this.#vacated = []
  }

  addKeyless(slice: readonly Change[]): void {
    const floor = this.#table.known?.floor ?? null
    for (const change of slice) {
      if (floor !== null && compareDecimal(change.version, floor) < 0) continue
      try {
        this.#addKeyless(change)
      } catch (error) {
        this.refuse(change, error)
      }
    }
  }

  #addKeyless(change: Change): void {
    if (change.op !== 'insert' && change.op !== 'load') {
      throw new RelayError('SINK_REFUSED', `Table ${this.#table.source} has no key, so its rows can only be added to`)
    }
    this.#shape.check(change)
    this.#add(this.#upserts, this.#shape.row(change, NO_KEY, this.#aside))
  }

  finished(): Plan<To> | null {
    if (this.#lacksColumns) return null
    this.#write(this.#upserts, this.#statements.insert)
    const steps = this.#steps
    const empty = this.#empty
    return {
      refused: this.#refused,
      aside: this.#aside,
      async write(to, onRejected) {
        let applied = 0
        for (const { write } of steps) applied += await write(to, onRejected)
        return applied
      },
      steps,
      async writeNothing(to) {
        for (const statement of empty) await statement()(to)
      },
    }
  }

  #write(rows: readonly Row[], statement: (rows: readonly Row[]) => RowWrite<To>): void {
    if (rows.length === 0) return
    this.#steps.push({ rows: rows.length, write: statement(rows) })
    this.#empty.push(() => statement([]))
  }

  #add(rows: Row[], row: Row | null): void {
    if (row === null) this.#lacksColumns = true
    else rows.push(row)
  }
}

const NO_KEY: Key = { text: '', tokens: [] }
