import type { ColumnInfo } from './service.ts'

/** A column of a target table, as DescribeTable tells it. */
export interface GpssColumn {
  readonly name: string
  /** As the server writes it, with its length: `character varying(20)`, `VARCHAR(20)`. For messages. */
  readonly declared: string
  /** PostgreSQL's internal name, `varchar`, of a type that is known; else the server's, in lower case. Of an array `_int4`. */
  readonly type: string
  /**
   * As `pg_attribute.atttypmod` encodes it: characters + 4 of varchar and bpchar, precision and scale of numeric, digits
   * of the seconds of times; -1 for none, or not known.
   */
  readonly modifier: number
  /** Null: not known. */
  readonly nullable: boolean | null
}

/** How SQL, and GPSS, also call the types. */
const INTERNAL_NAMES: ReadonlyMap<string, string> = new Map([
  ['boolean', 'bool'],
  ['smallint', 'int2'],
  ['smallserial', 'int2'],
  ['serial2', 'int2'],
  ['integer', 'int4'],
  ['int', 'int4'],
  ['serial', 'int4'],
  ['serial4', 'int4'],
  ['bigint', 'int8'],
  ['bigserial', 'int8'],
  ['serial8', 'int8'],
  ['real', 'float4'],
  ['double precision', 'float8'],
  ['double', 'float8'],
  ['float', 'float8'],
  ['decimal', 'numeric'],
  ['character varying', 'varchar'],
  ['character', 'bpchar'],
  ['char', 'bpchar'],
  ['bit varying', 'varbit'],
  ['time without time zone', 'time'],
  ['time with time zone', 'timetz'],
  ['timestamp without time zone', 'timestamp'],
  ['timestamp with time zone', 'timestamptz'],
])

/**
 * How GPSS spells a type is not documented: `int4`, `INT4` (as Go's PostgreSQL driver does) and `integer` are taken for
 * one, with a length in the text or beside it.
 */
export function gpssColumn({ name, databaseType, length, precisionScale, nullable }: ColumnInfo): GpssColumn {
  const plain = databaseType.toLowerCase().replace(/^pg_catalog\./, '')
  const inParentheses = /\((\d+)(?: *, *(\d+))?\)/.exec(plain)
  const given = inParentheses?.slice(1).map((digits) => Number(digits ?? 0)) ?? []
  const withoutLength = plain
    .replace(/\([^)]*\)/, ' ')
    .replaceAll(/\s+/g, ' ')
    .replace(/ (?=\[)/, '')
    .trim()
  const type = internalName(withoutLength)
  const modifier = modifierOf(type, given, length, precisionScale)
  const declared = inParentheses === null ? databaseType + lengthLabel(type, modifier) : databaseType
  return { name, declared, type, modifier, nullable }
}

/** The length, or precision and scale, as SQL writes them behind a type: `(10,2)`. */
function lengthLabel(type: string, modifier: number): string {
  if (modifier === -1) return ''
  return type === 'numeric' ? `(${(modifier - 4) >> 16},${(modifier - 4) & 0xffff})` : `(${modifier - 4})`
}

function internalName(name: string): string {
  if (name.endsWith('[]')) return `_${internalName(name.slice(0, -2))}`
  return INTERNAL_NAMES.get(name) ?? name
}

/** A type without length or precision may still be reported with one, out of all bounds: that counts as none. */
function modifierOf(
  type: string,
  [first, second = 0]: readonly number[],
  length: number | null,
  precisionScale: ColumnInfo['precisionScale'],
): number {
  switch (type) {
    case 'varchar':
    case 'bpchar': {
      const characters = first ?? length ?? 0
      return characters >= 1 && characters <= MAX_CHARACTERS ? characters + 4 : -1
    }
    case 'numeric': {
      const [precision, scale] = first === undefined ? (precisionScale ?? [0, 0]) : [first, second]
      return precision >= 1 && precision <= MAX_PRECISION && scale >= 0 && scale <= precision
        ? ((precision << 16) | scale) + 4
        : -1
    }
    case 'time':
    case 'timetz':
    case 'timestamp':
    case 'timestamptz':
      return first !== undefined && first <= 6 ? first : -1
    default:
      return -1
  }
}

/** PostgreSQL's own. */
const MAX_CHARACTERS = 10_485_760
const MAX_PRECISION = 1000
