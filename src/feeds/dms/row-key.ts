import { type Change, newRow, type Row, tableLabel, type Value } from '../../change.ts'
import { RelayError } from '../../errors.ts'

/**
 * The key of the row that the change touches: for each key column its old value where the record has one, for DMS
 * sends only what changed, else the one in the row. Columns in the order of `keyColumns`.
 *
 * @throws RelayError DECODE_EVENT when a part is missing or null: the change must then not be applied to any row
 */
export function keyOf(
  { before, after, table }: Pick<Change, 'before' | 'after' | 'table'>,
  keyColumns: readonly string[],
): Row {
  return keyFrom(table, keyColumns, (column) => before?.[column] ?? after?.[column])
}

/** The same of a change whose values are not read. */
export function keyOfUnread({ unread, table }: Pick<Change, 'unread' | 'table'>, keyColumns: readonly string[]): Row {
  return keyFrom(table, keyColumns, (column) => unread!.keyPart(column))
}

function keyFrom(
  table: Change['table'],
  keyColumns: readonly string[],
  partOf: (column: string) => Value | undefined,
): Row {
  const key = newRow()
  for (const column of keyColumns) {
    const part = partOf(column)
    if (part === undefined || part === null) throw missingPart(table, column, part === null)
    key[column] = part
  }
  return key
}

function missingPart(table: Change['table'], column: string, isNull: boolean): RelayError {
  const what = isNull
    ? 'is null'
    : 'is missing (the mapping must not exclude it, and without IncludeNullAndEmpty=true the endpoint leaves out empty text)'
  return new RelayError('DECODE_EVENT', `Key column ${JSON.stringify(column)} of table ${tableLabel(table)} ${what}`)
}
