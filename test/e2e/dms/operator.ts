import { type ColumnType, type TableName, tableLabel } from '../../../src/change.ts'
import type { TypeName } from '../../support/dms-life/columns.ts'
import { quoted } from '../../support/dms-life/compare.ts'
import type { Delivery } from '../../support/dms-life/delivery.ts'
import type { DmsLife } from '../../support/dms-life/dms-life.ts'
import { hasKey, type SourceTable } from '../../support/dms-life/tables.ts'
import { untoldKeys } from './untold-keys.ts'

/**
 * What the operator says of the tables: no more than must be said, for `create-table` tells the rest; everything; or
 * next to nothing, with tables made beforehand that tell it.
 */
export type Help = 'little' | 'all' | 'ready-made tables'

export interface OperatorWords {
  /** `--key` */
  readonly declaredKey: (table: TableName) => readonly string[] | undefined
  /** `--type` */
  readonly declaredTypes: (table: TableName) => ReadonlyMap<string, ColumnType>
}

export function operatorWords(life: DmsLife, delivery: Delivery, help: Help): OperatorWords {
  const untold = untoldKeys(life, delivery)
  const isNamed = (table: SourceTable): boolean =>
    help === 'all' || (untold.has(table) && !(help === 'ready-made tables' && hasKey(table)))
  const named = life.tables.filter(isNamed)
  const typed = help === 'ready-made tables' ? [] : named
  const find = (tables: readonly SourceTable[], { schema, name }: TableName): SourceTable | undefined =>
    tables.find((table) => table.schema === schema && table.name === name)

  return {
    declaredKey: (name) => find(named, name)?.key,
    declaredTypes: (name) => typesOf(life, find(typed, name), help),
  }
}

/** The same as options of the command line. */
export function operatorOptions(life: DmsLife, delivery: Delivery, help: Help): string[] {
  const { declaredKey, declaredTypes } = operatorWords(life, delivery, help)
  return life.tables.flatMap((table) => {
    const key = declaredKey(table)
    const label = tableLabel(table)
    const types = Array.from(declaredTypes(table), ([column, type]) => [
      '--type',
      `${label}.${quoted(column)}=${SQL_NAMES[type] ?? type}`,
    ])
    return [...(key === undefined ? [] : ['--key', `${label}=${key.map(quoted).join(',')}`]), ...types.flat()]
  })
}

/** In JSON bytes look like text, whatever comes first: that much must be said. */
function typesOf(life: DmsLife, table: SourceTable | undefined, help: Help): Map<string, ColumnType> {
  if (table === undefined) return new Map()
  const columns = life.columns(table).filter(({ type }) => help === 'all' || type === 'bytea')
  return new Map(columns.map(({ name, type }) => [name, TYPES[type]]))
}

const TYPES: Readonly<Record<TypeName, ColumnType>> = {
  integer: 'int32',
  bigint: 'int64',
  numeric: 'numeric',
  double: 'float64',
  boolean: 'boolean',
  varchar: 'text',
  text: 'text',
  jsonb: 'json',
  bytea: 'bytes',
  date: 'date',
  timestamp: 'timestamp',
}

/** What `--type` calls a type, where that is not its name. */
const SQL_NAMES: Readonly<Partial<Record<ColumnType, string>>> = {
  int32: 'integer',
  int64: 'bigint',
  float64: 'double precision',
  timestamp: 'timestamptz',
}
