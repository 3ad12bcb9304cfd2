import { type Change, tableLabel } from './change.ts'
import { RelayError } from './errors.ts'

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
