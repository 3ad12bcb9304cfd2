import type { SourceTable } from '../../batch.ts'
import { type ColumnType, traitsOf, type Value } from '../../change.ts'
import { RelayError } from '../../errors.ts'
import { inferredType } from './column-types.ts'
import type { Evidence } from './layout.ts'
import type { DeclaredTypes } from './rules.ts'
import type { TableStyle } from './style.ts'
import type { DesiredColumn, DesiredTable } from './target.ts'

/** What a table of the layout `columns` needs; null while its key is unknown. @throws RelayError SINK_TABLE if it has no key */
export function desiredColumns(
  { known, changes, remembered }: Evidence,
  declaredTypes: DeclaredTypes,
  { names, newColumnType }: Pick<TableStyle, 'names' | 'newColumnType'>,
): DesiredTable | null {
  const keyNames = keyOf(known, changes)
  if (keyNames === null) return null
  const given = known?.values ?? traitsOf(changes[0]!.source).values
  const types = new Map<string, ColumnType | null>(keyNames.map((name) => [name, null]))
  for (const [attribute, type] of known?.columns ?? []) types.set(attribute, type)
  for (const { attribute } of remembered) if (!types.has(attribute)) types.set(attribute, null)
  for (const [attribute, values] of valuesOf(changes, types)) {
    types.set(attribute, inferredType(values, given))
  }
  const declared = declaredTypes(known?.name ?? changes[0]!.table)
  for (const [attribute, type] of declared) if (types.has(attribute)) types.set(attribute, type)

  const columns = Array.from(types, ([attribute, type]): DesiredColumn => {
    const isKey = keyNames.includes(attribute)
    // What some values of an attribute were says nothing of the others.
    const isDeclared = isKey || declared.has(attribute) || known?.columns.has(attribute) === true
    return {
      attribute,
      column: names.column(attribute),
      holds: isDeclared ? type : null,
      given,
      type: type === null ? null : newColumnType(type, isKey),
    }
  })
  return {
    keys: keyNames.map((attribute) => ({ attribute, column: names.column(attribute), family: null })),
    columns,
  }
}

function keyOf(known: SourceTable | null, changes: Evidence['changes']): readonly string[] | null {
  if (known !== null) return known.key
  const [sample] = changes
  if (sample === undefined) return null
  const attributes = Object.keys(sample.key ?? {}).sort()
  if (attributes.length > 0) return attributes
  throw new RelayError('SINK_TABLE', `No key is known for table ${sample.table.name}, and a mirror needs one`)
}

/** Of the columns without a type: what they held in these changes. */
function valuesOf(changes: Evidence['changes'], types: ReadonlyMap<string, ColumnType | null>): Map<string, Value[]> {
  const values = new Map<string, Value[]>()
  const add = (row: Readonly<Record<string, Value>> | null): void => {
    for (const name in row) {
      if ((types.get(name) ?? null) !== null) continue
      const list = values.get(name)
      if (list === undefined) values.set(name, [row[name]!])
      else list.push(row[name]!)
    }
  }
  for (const { key, after } of changes) {
    add(key)
    add(after)
  }
  return values
}
