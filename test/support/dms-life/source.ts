import type { Random } from '../life/random.ts'
import { type Cell, type Column, type Row, typeOf } from './columns.ts'
import { hasKey, type SourceTable } from './tables.ts'

/** What happened to one row of the source. `before` and `after` are whole rows; their keys differ where the row moved. */
export interface Happening {
  readonly table: SourceTable
  readonly op: 'insert' | 'update' | 'delete'
  readonly before: Row | null
  readonly after: Row | null
}

export interface SourceOptions {
  /** How many keys each table can have. */
  readonly keys: number
  /** Share of the changes of a row that there is, which delete it. */
  readonly deletes: number
  /** Share of the updates that change the key. */
  readonly moves: number
}

export interface SourceFigures {
  /** Changes of the key. */
  moves: number
  /** Rows that came, by insert or move, under a key which another row had before. */
  reusedKeys: number
}

/** The source database: the truth. */
export interface SourceDatabase {
  readonly figures: SourceFigures
  columns(table: SourceTable): readonly Column[]
  /** The row under key number `index`, if there is one. */
  rowAt(table: SourceTable, index: number): Row | undefined
  rows(table: SourceTable): Iterable<Row>
  /** Changes some row. In a table without a key that is always an insert. */
  change(table: SourceTable): Happening
  addColumn(table: SourceTable): void
  /** The values that are there stay. */
  widenColumn(table: SourceTable): void
}

/** Names a row for this process: the values of its key columns. */
export const keyText = (table: SourceTable, row: Row): string => JSON.stringify(table.key.map((name) => row.get(name)))

export function newSource(tables: readonly SourceTable[], options: SourceOptions, random: Random): SourceDatabase {
  const figures: SourceFigures = { moves: 0, reusedKeys: 0 }
  const columns = new Map(tables.map((table) => [table, table.columns]))
  /** By key number; without a key by ordinal. */
  const rows = new Map(tables.map((table) => [table, new Map<number, Row>()]))
  const used = new Map(tables.map((table) => [table, new Set<number>()]))

  function put(table: SourceTable, index: number, row: Row): void {
    rows.get(table)!.set(index, row)
    if (used.get(table)!.has(index)) figures.reusedKeys++
    used.get(table)!.add(index)
  }

  function insert(table: SourceTable): Happening {
    const index = rows.get(table)!.size
    return insertAt(table, index)
  }

  function insertAt(table: SourceTable, index: number): Happening {
    const key = table.keyAt(index)
    const after = new Map(columns.get(table)!.map((one) => [one.name, key.get(one.name) ?? cellOf(one, random)]))
    put(table, index, after)
    return { table, op: 'insert', before: null, after }
  }

  function remove(table: SourceTable, index: number, before: Row): Happening {
    rows.get(table)!.delete(index)
    return { table, op: 'delete', before, after: null }
  }

  function update(table: SourceTable, index: number, before: Row): Happening {
    const after = new Map(before)
    const others = columns.get(table)!.filter(({ name }) => !table.key.includes(name))
    for (let count = 1 + random.below(2); count > 0; count--) {
      const one = random.pick(others)
      after.set(one.name, cellOf(one, random))
    }
    rows.get(table)!.set(index, after)
    return { table, op: 'update', before, after }
  }

  function move(table: SourceTable, from: number, to: number, before: Row): Happening {
    const { after } = update(table, from, before)
    const moved: Row = new Map([...after!, ...table.keyAt(to)])
    rows.get(table)!.delete(from)
    put(table, to, moved)
    figures.moves++
    return { table, op: 'update', before, after: moved }
  }

  /** Some keys are busier than others; so they are used again and again. */
  const anyIndex = (): number => random.below(random.chance(0.5) ? Math.ceil(options.keys / 4) : options.keys)

  return {
    figures,
    columns: (table) => columns.get(table)!,
    rowAt: (table, index) => rows.get(table)!.get(index),
    rows: (table) => rows.get(table)!.values(),
    change(table) {
      if (!hasKey(table)) return insert(table)
      const index = anyIndex()
      const row = rows.get(table)!.get(index)
      if (row === undefined) return insertAt(table, index)
      if (random.chance(options.deletes)) return remove(table, index, row)
      // Half of the moves go to a neighbour, so that of a composite key only one part changes.
      const to = random.chance(0.5) ? (index ^ 1) % options.keys : anyIndex()
      const isFree = !rows.get(table)!.has(to)
      return isFree && random.chance(options.moves) ? move(table, index, to, row) : update(table, index, row)
    },
    widenColumn(table) {
      const widened = columns
        .get(table)!
        .map((one): Column => (one.name === table.widened ? { ...one, type: 'bigint' } : one))
      columns.set(table, widened)
    },
    addColumn(table) {
      columns.set(table, [...columns.get(table)!, table.added])
      for (const [index, row] of rows.get(table)!) {
        rows.get(table)!.set(index, new Map<string, Cell>([...row, [table.added.name, null]]))
      }
    },
  }
}

const cellOf = (column: Column, random: Random): Cell =>
  column.nullable && random.chance(0.2) ? null : typeOf(column).make(random)
