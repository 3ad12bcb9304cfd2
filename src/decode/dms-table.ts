import { type Change, newRow, type Row, tableLabel } from '../change.ts'
import { RelayError } from '../errors.ts'

/**
 * What can be said of a change of DMS once its table is known: a data record names neither key nor types.
 */

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
  const key = newRow()
  for (const column of keyColumns) {
    const part = before?.[column] ?? after?.[column]
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

/**
 * Refuses a change in which an integer came in exponent form: DMS writes integers of more than 16 digits so, and
 * loses digits. That it is an integer and no floating point number only the type of the column can tell.
 *
 * @throws RelayError DECODE_VALUE
 * @see AWS DMS User Guide, "Using Amazon Kinesis Data Streams as a target", UseLargeIntegerValue
 */
export function refuseRoundedIntegers({ inExponentForm, table }: Change, isInteger: (column: string) => boolean): void {
  const rounded = inExponentForm?.filter(isInteger) ?? []
  if (rounded.length === 0) return
  const columns = rounded.map((column) => JSON.stringify(column)).join(', ')
  throw new RelayError(
    'DECODE_VALUE',
    `DMS rounded the integer in column ${columns} of table ${tableLabel(table)}: ` +
      'set UseLargeIntegerValue=true in the KinesisSettings of its target endpoint (engine 3.5.4 and later), and reload the table',
  )
}
