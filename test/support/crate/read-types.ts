import { CrateError, notInTheFake } from './failure.ts'
import { child, children, hasWord, need, type Tree } from './grammar.ts'
import { readIdent } from './read-names.ts'
import { arrayOf, type DataType, type Policy, type ScalarName, scalar } from './types.ts'

const NAMES: Readonly<Record<string, ScalarName>> = {
  boolean: 'boolean',
  bool: 'boolean',
  short: 'smallint',
  smallint: 'smallint',
  int2: 'smallint',
  int: 'integer',
  integer: 'integer',
  int4: 'integer',
  long: 'bigint',
  bigint: 'bigint',
  int8: 'bigint',
  float: 'real',
  real: 'real',
  float4: 'real',
  double: 'double precision',
  'double precision': 'double precision',
  float8: 'double precision',
  numeric: 'numeric',
  decimal: 'numeric',
  text: 'text',
  string: 'text',
  varchar: 'character varying',
  'character varying': 'character varying',
  char: 'character',
  character: 'character',
  bit: 'bit',
  ip: 'ip',
  geo_point: 'geo_point',
  geo_shape: 'geo_shape',
  float_vector: 'float_vector',
  timestamp: 'timestamp without time zone',
  'timestamp without time zone': 'timestamp without time zone',
  'timestamp with time zone': 'timestamp with time zone',
  timestamptz: 'timestamp with time zone',
  'time with time zone': 'time with time zone',
  timetz: 'time with time zone',
  date: 'date',
  uuid: 'uuid',
  json: 'json',
}

const TYPE_RULES = ['ObjectDataType', 'ArrayDataType', 'MaybeParametrizedDataType'] as const

export function typeIn(tree: Tree): Tree | undefined {
  return child(tree, ...TYPE_RULES)
}

/** @throws CrateError for a type that there is not */
export function readType(tree: Tree): DataType {
  switch (tree.rule) {
    case 'ObjectDataType':
      return readObject(need(tree, 'ObjectTypeDefinition'))
    case 'ArrayDataType':
      return arrayOf(readType(typeIn(tree)!))
    default:
      return readScalar(tree)
  }
}

function readObject(tree: Tree): DataType {
  const policy = (['dynamic', 'strict', 'ignored'] as const).find((word) => hasWord(tree, word)) ?? 'dynamic'
  const fields = new Map<string, DataType>()
  const required = new Set<string>()
  for (const definition of children(tree, 'ColumnDefinition')) {
    const name = readIdent(need(definition, 'Ident'))
    fields.set(name, readType(typeIn(definition)!))
    if (child(definition, 'ColumnConstraintNotNull') !== undefined) required.add(name)
  }
  return { kind: 'object', policy: policy satisfies Policy, fields, required }
}

function readScalar(tree: Tree): DataType {
  const base = tree.parts[0]!
  const name = readIdent(base).replace(/\s+/g, ' ')
  const known = Object.hasOwn(NAMES, name) ? NAMES[name]! : null
  if (known === null) throw new CrateError(`Cannot find data type: ${name}`)
  const [first, second] = children(tree, 'IntegerLiteral').map((literal) => Number(literal.text))
  if (known === 'character' || known === 'bit') return { kind: 'scalar', name: known, length: first ?? 1 }
  if (first === undefined) return known === 'character varying' ? scalar('text') : scalar(known)
  if (known === 'character varying' || known === 'float_vector') return { kind: 'scalar', name: known, length: first }
  if (known === 'numeric') return { kind: 'scalar', name: known, precision: first, scale: second ?? 0 }
  throw notInTheFake(`${name} with a length`)
}
