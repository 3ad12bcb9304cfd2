/** The data types, their names as information_schema shows them, and their numbers on the wire. */

export type ScalarName =
  | 'undefined'
  | 'boolean'
  | 'smallint'
  | 'integer'
  | 'bigint'
  | 'real'
  | 'double precision'
  | 'numeric'
  | 'text'
  | 'character varying'
  | 'character'
  | 'bit'
  | 'ip'
  | 'geo_point'
  | 'geo_shape'
  | 'float_vector'
  | 'timestamp with time zone'
  | 'timestamp without time zone'
  | 'time with time zone'
  | 'date'
  | 'uuid'
  | 'json'

export type Policy = 'dynamic' | 'strict' | 'ignored'

export interface ScalarType {
  readonly kind: 'scalar'
  readonly name: ScalarName
  readonly length?: number
  readonly precision?: number
  readonly scale?: number
}
export interface ObjectType {
  readonly kind: 'object'
  readonly policy: Policy
  /** Known sub-columns. Grows while rows are written, under the policy `dynamic`. */
  readonly fields: Map<string, DataType>
  /** Those that are NOT NULL; absent if none is. */
  readonly required?: ReadonlySet<string>
}
export interface ArrayType {
  readonly kind: 'array'
  readonly element: DataType
}
export type DataType = ScalarType | ObjectType | ArrayType

export const scalar = (name: ScalarName): ScalarType => ({ kind: 'scalar', name })
export const arrayOf = (element: DataType): ArrayType => ({ kind: 'array', element })
export const objectOf = (policy: Policy): ObjectType => ({ kind: 'object', policy, fields: new Map() })

export const UNDEFINED = scalar('undefined')
export const BOOLEAN = scalar('boolean')
export const INTEGER = scalar('integer')
export const BIGINT = scalar('bigint')
export const DOUBLE = scalar('double precision')
export const TEXT = scalar('text')

export function isText(type: DataType): boolean {
  return type.kind === 'scalar' && (type.name === 'text' || type.name === 'character varying')
}

/** As information_schema.columns shows it: an array of text is `text_array`, and VARCHAR(n) is `text`, too. */
export function typeName(type: DataType): string {
  if (type.kind === 'array') return `${typeName(type.element)}_array`
  if (type.kind === 'object') return 'object'
  return type.name === 'character varying' ? 'text' : type.name
}

/** As messages show it: `text(3)`, `numeric(10, 2)`. */
export function typeText(type: DataType): string {
  const { length, precision, scale } = type.kind === 'scalar' ? type : {}
  const sizes = [length ?? precision, scale].filter((size) => size !== undefined)
  return typeName(type) + (sizes.length === 0 ? '' : `(${sizes.join(', ')})`)
}

/** [type, array of it]: the numbers of PostgreSQL's pg_type, which CrateDB uses as well. */
const OIDS: Readonly<Record<ScalarName, readonly [number, number]>> = {
  undefined: [705, 705],
  boolean: [16, 1000],
  smallint: [21, 1005],
  integer: [23, 1007],
  bigint: [20, 1016],
  real: [700, 1021],
  'double precision': [701, 1022],
  numeric: [1700, 1231],
  text: [1043, 1015],
  'character varying': [1043, 1015],
  character: [1042, 1014],
  bit: [1560, 1561],
  ip: [1043, 1015],
  geo_point: [600, 1017],
  geo_shape: [114, 199],
  float_vector: [1021, 1021],
  'timestamp with time zone': [1184, 1185],
  'timestamp without time zone': [1114, 1115],
  'time with time zone': [1266, 1270],
  date: [1082, 1182],
  uuid: [2950, 2951],
  json: [114, 199],
}

/** Objects travel as json, and so do arrays of arrays. */
export function oidOf(type: DataType): number {
  if (type.kind === 'object') return OIDS.json[0]
  if (type.kind === 'scalar') return OIDS[type.name][0]
  if (type.element.kind === 'array') return OIDS.json[0]
  return type.element.kind === 'object' ? OIDS.json[1] : OIDS[type.element.name][1]
}

/** A type of its own: the members of an object grow with the table that has it. */
export function copyOf(type: DataType): DataType {
  if (type.kind === 'array') return arrayOf(copyOf(type.element))
  if (type.kind === 'scalar') return type
  return { ...type, fields: new Map([...type.fields].map(([name, field]) => [name, copyOf(field)])) }
}

/** Members of objects are columns, too: of all together a table may have 1,000. */
export function columnsIn(type: DataType): number {
  if (type.kind === 'array') return columnsIn(type.element)
  if (type.kind === 'scalar') return 1
  return [...type.fields.values()].reduce((sum, field) => sum + columnsIn(field), 1)
}
