import type { DataType, ScalarName } from './types.ts'

/** What an INSERT takes into a column of a type without being told to cast: `DataTypes.ALLOWED_CONVERSIONS` of CrateDB's source. */
export function isConvertible(from: DataType, to: DataType): boolean {
  if (isUndefined(from) || isUndefined(to)) return true
  if (from.kind === 'array') {
    if (to.kind === 'array') return isConvertible(from.element, to.element)
    return to.kind === 'scalar' && (to.name === 'geo_point' || to.name === 'float_vector')
  }
  const [a, b] = [nameOf(from), nameOf(to)]
  return a === b || (CONVERSIONS[a] ?? []).includes(b)
}

const isUndefined = (type: DataType): boolean => type.kind === 'scalar' && type.name === 'undefined'

type Name = ScalarName | 'object' | 'array'

/** VARCHAR(n) is TEXT of a length. */
function nameOf(type: DataType): Name {
  if (type.kind !== 'scalar') return type.kind
  return type.name === 'character varying' ? 'text' : type.name
}

const OF_NUMBERS: readonly Name[] = [
  'boolean',
  'smallint',
  'integer',
  'bigint',
  'real',
  'double precision',
  'numeric',
  'text',
  'character',
  'timestamp with time zone',
  'timestamp without time zone',
  'date',
  'ip',
]
const OF_TEXTS: readonly Name[] = [
  ...OF_NUMBERS,
  'object',
  'geo_shape',
  'geo_point',
  'time with time zone',
  'bit',
  'json',
  'uuid',
]
const OF_MOMENTS: readonly Name[] = [
  'double precision',
  'bigint',
  'text',
  'character',
  'timestamp with time zone',
  'timestamp without time zone',
  'date',
]

const CONVERSIONS: Readonly<Partial<Record<Name, readonly Name[]>>> = {
  smallint: OF_NUMBERS,
  integer: OF_NUMBERS,
  bigint: OF_NUMBERS,
  real: OF_NUMBERS,
  'double precision': OF_NUMBERS,
  numeric: OF_NUMBERS,
  boolean: ['text', 'character'],
  text: OF_TEXTS,
  character: OF_TEXTS.filter((name) => name !== 'uuid'),
  ip: ['text', 'character'],
  'timestamp with time zone': OF_MOMENTS,
  'timestamp without time zone': OF_MOMENTS,
  date: OF_MOMENTS,
  geo_shape: ['object'],
  object: ['geo_shape', 'json'],
  json: ['object'],
}
