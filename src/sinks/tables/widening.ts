import type { Column } from './relation.ts'

/** The type of a column: its name in the catalogue, and its modifier, as `Column` has them. */
export type HeldType = Pick<Column, 'baseType' | 'modifier'>

/** Whether `to` holds every value that `from` holds, as the same value, and more. */
export function isWider(from: HeldType, to: HeldType): boolean {
  const digits = INTEGER_DIGITS.get(from.baseType)
  if (digits !== undefined) return holdsIntegers(to, digits)
  switch (from.baseType) {
    case 'float4':
      return to.baseType === 'float8'
    case 'numeric':
      return to.baseType === 'numeric' && isWiderNumeric(from.modifier, to.modifier)
    case 'varchar':
      if (to.baseType === 'text') return from.modifier !== NONE
      return to.baseType === 'varchar' && isLonger(from.modifier, to.modifier)
    case 'bpchar':
      // A length without end would be one of texts whose blanks count.
      return to.baseType === 'bpchar' && to.modifier !== NONE && isLonger(from.modifier, to.modifier)
    case 'varbit':
      return to.baseType === from.baseType && isLonger(from.modifier, to.modifier)
    case 'time':
    case 'timetz':
    case 'timestamp':
    case 'timestamptz':
      return to.baseType === from.baseType && secondDigits(to) > secondDigits(from)
    default:
      return false
  }
}

const NONE = -1

/** How many digits the largest number of a type has. */
const INTEGER_DIGITS: ReadonlyMap<string, number> = new Map([
  ['int2', 5],
  ['int4', 10],
  ['int8', 19],
])

function holdsIntegers({ baseType, modifier }: HeldType, digits: number): boolean {
  if (baseType !== 'numeric') return (INTEGER_DIGITS.get(baseType) ?? 0) > digits
  const held = digitsOf(modifier)
  return held === null || held.before >= digits
}

const secondDigits = ({ modifier }: HeldType): number => (modifier === NONE ? 6 : modifier)

const isLonger = (from: number, to: number): boolean => from !== NONE && (to === NONE || to > from)

function isWiderNumeric(from: number, to: number): boolean {
  const [was, is] = [digitsOf(from), digitsOf(to)]
  if (was === null) return false
  if (is === null) return true
  return is.before >= was.before && is.behind >= was.behind && (is.before > was.before || is.behind > was.behind)
}

/** Before and behind the point; null: any number of them. PostgreSQL 15 knows scales below 0, in 11 bits with a sign. */
function digitsOf(modifier: number): { readonly before: number; readonly behind: number } | null {
  if (modifier === NONE) return null
  const precision = (modifier - 4) >> 16
  const scale = (((modifier - 4) & 0x7ff) ^ 0x400) - 0x400
  return { before: precision - scale, behind: scale }
}

/** The types that new columns get, as the catalogue knows them. @param type as `newColumnType` spells it; null for another */
export function newType(type: string): HeldType | null {
  const [, name, precision, scale = '0'] =
    /^([a-z ]+?)(?: ?\((\d+)(?:, ?(\d+))?\))?( collate "c")?$/.exec(type.toLowerCase()) ?? []
  const baseType = name === undefined ? undefined : NEW_TYPES.get(name)
  if (baseType === undefined) return null
  return { baseType, modifier: precision === undefined ? NONE : Number(precision) * 65_536 + Number(scale) + 4 }
}

const NEW_TYPES: ReadonlyMap<string, string> = new Map([
  ['smallint', 'int2'],
  ['integer', 'int4'],
  ['bigint', 'int8'],
  ['numeric', 'numeric'],
  ['real', 'float4'],
  ['double precision', 'float8'],
  ['text', 'text'],
  ['time', 'time'],
  ['timestamp with time zone', 'timestamptz'],
  ['timestamp without time zone', 'timestamp'],
])

/** Keys of texts have a collation of their own where they are made; a column that is there keeps its own. */
export const withoutCollation = (type: string): string => type.replace(/ COLLATE "C"$/, '')
