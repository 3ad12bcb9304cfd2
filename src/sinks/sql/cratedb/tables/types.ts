import type { ColumnType } from '../../../../change.ts'

/** A table may get no more by itself. CrateDB takes 1,000, members of objects included; some are left for others. */
export const MOST_COLUMNS = 900

/** More digits before or behind the point lie in `cdc_extra`. CrateDB stores no NUMERIC without precision and scale. */
const NUMERIC = 'NUMERIC(38, 10)'

/**
 * `uint8` to `uint32` have no type of their own: the next larger one holds them.
 *
 * Dates and times are texts of one width, which sort as the moments do and lose nothing (`codecs.ts`): a TIMESTAMP of
 * CrateDB has milliseconds, DATE can be stored from version 6.5 on only, and TIME not at all. In a query
 * `"at"::TIMESTAMP WITH TIME ZONE` makes a moment of them.
 */
const SQL_TYPES: Readonly<Record<ColumnType, string>> = {
  boolean: 'BOOLEAN',
  int8: 'SMALLINT',
  int16: 'SMALLINT',
  int32: 'INTEGER',
  int64: 'BIGINT',
  uint8: 'SMALLINT',
  uint16: 'INTEGER',
  uint32: 'BIGINT',
  uint64: 'NUMERIC(20, 0)',
  float32: 'REAL',
  float64: 'DOUBLE PRECISION',
  numeric: NUMERIC,
  // Indexed, so that it can be searched fast: the rare text over 32,766 bytes lies in `cdc_extra`.
  text: 'TEXT',
  bytes: 'TEXT',
  json: 'OBJECT(IGNORED)',
  // The type UUID exists from version 6.2 on.
  uuid: 'TEXT',
  date: 'TEXT',
  time: 'TEXT',
  timestamp: 'TEXT',
  'local-timestamp': 'TEXT',
}

/** Numbers of any size as keys are texts with their one spelling (`plainDecimal`): exact, and two of them are one only if they are equal. */
const KEY_TYPES: Readonly<Partial<Record<ColumnType, string>>> = { numeric: 'TEXT', uint64: 'TEXT' }

/** The type that a new column gets, as SQL. */
export function newColumnType(type: ColumnType, isKey: boolean): string {
  return (isKey ? KEY_TYPES[type] : undefined) ?? SQL_TYPES[type]
}
