import type { Random } from '../life/random.ts'

/** A value as PostgreSQL prints it as text, apart from what `COLUMN_TYPES` says; null for NULL. The truth is kept in this form. */
export type Cell = string | null

/** Column → value. */
export type Row = ReadonlyMap<string, Cell>

export interface Column {
  readonly name: string
  readonly type: TypeName
  readonly nullable: boolean
}

/** What the endpoint's settings and the source's change about a value. */
export interface ValueSettings {
  /** Hex digits of binary come without `0x`. */
  readonly noHexPrefix: boolean
  /** Booleans come as such, not as text. */
  readonly mapBooleanAsBoolean: boolean
}

interface ColumnType {
  /** As `table-def` names it: "Parquet" names, as in DMS's S3 target. */
  readonly definition: Readonly<Record<string, string | number>>
  /** Of the source's column. */
  readonly sql: string
  /** DMS treats it as a large object: never in a before image, left out of tables without a key. */
  readonly isLob: boolean
  make(random: Random): string
  /** The JSON token that DMS writes for a value that is not null. */
  wire(text: string, settings: ValueSettings): string
}

const quoted = (text: string): string => JSON.stringify(text)
const bare = (text: string): string => text

/** "Source data types for PostgreSQL" in the AWS DMS User Guide; forms as captures show them. */
export const COLUMN_TYPES = {
  integer: {
    definition: { type: 'INT32' },
    sql: 'integer',
    isLob: false,
    make: (random) => String(random.below(2 ** 32) - 2 ** 31),
    wire: bare,
  },
  /** Up to 18 digits, which `UseLargeIntegerValue` writes in full. What has 19 comes rounded, and is left out here. */
  bigint: {
    definition: { type: 'INT64' },
    sql: 'bigint',
    isLob: false,
    make: (random) => signed(digits(random, 1 + random.below(18)), random),
    wire: bare,
  },
  /** The truth has no zeros at the end of the fraction. */
  numeric: {
    definition: { type: 'DECIMAL' },
    sql: 'numeric(38,10)',
    isLob: false,
    make: (random) => signed(decimal(random), random),
    wire: bare,
  },
  double: {
    definition: { type: 'DOUBLE' },
    sql: 'double precision',
    isLob: false,
    make: (random) => random.pick(['0', '55', '-0.1', '2.2', '1234567.875', String(random.below(1e6) / 64)]),
    wire: bare,
  },
  /** The truth says `true` and `false`, as PostgreSQL does for both a boolean and a text column. */
  boolean: {
    definition: { type: 'STRING', length: 5 },
    sql: 'boolean',
    isLob: false,
    make: (random) => String(random.chance(0.5)),
    wire: (text, { mapBooleanAsBoolean }) => (mapBooleanAsBoolean ? text : quoted(text)),
  },
  varchar: {
    definition: { type: 'STRING', length: 40 },
    sql: 'varchar(40)',
    isLob: false,
    make: (random) => random.pick(['', 'paid', 'Ærøskøbing', 'it\'s "so"', '0xdead', 'true', `n-${random.below(1e6)}`]),
    wire: quoted,
  },
  text: {
    definition: { type: 'STRING' },
    sql: 'text',
    isLob: true,
    make: (random) => random.pick(['', '{"a":1}', 'Grüße\n\taus 北京 🚲\\', 'long '.repeat(1 + random.below(400))]),
    wire: quoted,
  },
  /** Texts as PostgreSQL prints them, so that the truth is the same for a `jsonb` and a `text` column. */
  jsonb: {
    definition: { type: 'STRING' },
    sql: 'jsonb',
    isLob: true,
    make: (random) => random.pick(DOCUMENTS),
    wire: quoted,
  },
  /** The truth is `\xab01`. */
  bytea: {
    definition: { type: 'BINARY' },
    sql: 'bytea',
    isLob: true,
    make: (random) => `\\x${random.hex(8 * (1 + random.below(4))).toLowerCase()}`,
    wire: (text, { noHexPrefix }) => quoted(noHexPrefix ? text.slice(2) : `0${text.slice(1)}`),
  },
  date: {
    definition: { type: 'DATE32' },
    sql: 'date',
    isLob: false,
    make: (random) => isoOf(instant(random)).slice(0, 10),
    wire: quoted,
  },
  /** The truth is ISO 8601 with six digits and `Z`; on the wire a fraction of zero is left out. */
  timestamp: {
    definition: { type: 'TIMESTAMP' },
    sql: 'timestamp with time zone',
    isLob: false,
    make: (random) => isoOf(random.chance(0.3) ? Math.trunc(instant(random) / 1e6) * 1e6 : instant(random)),
    wire: (text) => quoted(text.replace('.000000Z', 'Z')),
  },
} as const satisfies Record<string, ColumnType>

export type TypeName = keyof typeof COLUMN_TYPES

export const typeOf = (column: Column): ColumnType => COLUMN_TYPES[column.type]

/** Epoch microseconds → `2026-11-02T08:00:00.000000Z`. */
export function isoOf(micros: number): string {
  const millis = Math.floor(micros / 1_000)
  const rest = String(micros - millis * 1_000).padStart(3, '0')
  return new Date(millis).toISOString().replace('Z', `${rest}Z`)
}

const DOCUMENTS = [
  '{}',
  'null',
  '{"gift": true}',
  '[1, 2.50, null, "x"]',
  '{"a": "ü", "bb": {"c": []}}',
  '{"total": 12345678901234567890.123456789}',
  '{"__proto__": {"constructor": "1"}}',
]

/** From 1931 to 2064, so that some lie before the epoch. */
const instant = (random: Random): number =>
  (random.below(2 ** 32) - 1_230_000_000) * 1_000_000 + (1 + random.below(999_999))

const signed = (text: string, random: Random): string => (random.chance(0.2) ? `-${text}` : text)

function digits(random: Random, count: number): string {
  let text = String(1 + random.below(9))
  while (text.length < count) text += random.below(10)
  return text
}

/** At most 28 digits before the point and 10 behind it. */
function decimal(random: Random): string {
  const whole = random.chance(0.2) ? '0' : digits(random, 1 + random.below(28))
  const scale = random.below(11)
  return scale === 0
    ? whole === '0'
      ? '1'
      : whole
    : `${whole}.${digits(random, scale).slice(1)}${1 + random.below(9)}`
}
