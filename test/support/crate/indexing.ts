/**
 * What becomes of a row on its way into a table, in the two places where it can fail. At the coordinator it is cast to the
 * columns and sub-columns known so far. At the shard new members of DYNAMIC objects become columns, and what is too long
 * for the index is refused. Which of the two it is decides whether anybody hears of it.
 */
import { castTo, show } from './casts.ts'
import { type Column, countColumns, type Table } from './catalogue.ts'
import type { CrateSettings } from './context.ts'
import { CrateError } from './failure.ts'
import { checkColumnName, columnName } from './names.ts'
import {
  arrayOf,
  BIGINT,
  BOOLEAN,
  columnsIn,
  type DataType,
  DOUBLE,
  isText,
  type ObjectType,
  objectOf,
  TEXT,
  typeName,
  typeText,
  UNDEFINED,
} from './types.ts'
import { isList, isObject, type Value } from './values.ts'

const LONGEST_TERM_BYTES = 32_766

/** @throws CrateError a row of this value cannot be written: nothing of its statement is */
export function conformAtCoordinator(name: string, column: Column, value: Value): Value {
  return conform(column.type, value, { name, top: true }, null)
}

/** @throws CrateError a column, or a member of an object, is NOT NULL and nothing is there; also where the object itself is NULL */
export function checkRequired(column: Pick<Column, 'type' | 'nullable'>, value: Value, path: readonly string[]): void {
  if (value === null && !column.nullable) throw new CrateError(`"${columnName(path)}" must not be null`)
  const { type } = column
  if (type.kind !== 'object') return
  for (const [name, field] of type.fields) {
    const member = isObject(value) ? (value.get(name) ?? null) : null
    checkRequired({ type: field, nullable: !type.required?.has(name) }, member, [...path, name])
  }
}

/**
 * Makes columns of new members, and checks what the index refuses.
 * @param fresh members that rows of the same statement have made
 * @throws CrateError this row is not written
 */
export function indexAtShard(
  table: Table,
  { columnLimit, crateVersion }: CrateSettings,
  values: ReadonlyMap<string, Value>,
  fresh: Set<DataType> = new Set(),
): Map<string, Value> {
  const indexed = new Map<string, Value>()
  for (const [name, value] of values) {
    const column = table.columns.get(name)!
    const grow: Grow = {
      fresh,
      add(object, member, type) {
        checkColumnName(member, crateVersion, false)
        if (countColumns(table) + columnsIn(type) > columnLimit)
          throw new CrateError(
            `Limit of total columns [${columnLimit}] in table [${table.schema}.${table.name}] exceeded`,
          )
        object.fields.set(member, type)
      },
    }
    const kept = conform(column.type, value, { name, top: true }, grow)
    if (column.indexed) checkTerms(name, column.type, kept)
    checkEnds(column.type, kept)
    indexed.set(name, kept)
  }
  return indexed
}

interface Grow {
  readonly fresh: Set<DataType>
  add(object: ObjectType, member: string, type: DataType): void
}

/** A column, or a member of an object. */
interface Named {
  readonly name: string
  readonly top: boolean
}

function conform(type: DataType, value: Value, named: Named, grow: Grow | null): Value {
  if (value === null) return null
  if (type.kind === 'array') {
    const list = named.top ? castTo(type, value) : value
    if (!isList(list)) throw wrongMember(named.name, value, type)
    return list.map((element) => conform(type.element, element, named, grow))
  }
  if (type.kind === 'object') {
    const object = named.top ? castTo(type, value) : value
    if (!isObject(object)) throw wrongMember(named.name, value, type)
    return conformObject(type, object, named.name, grow)
  }
  return named.top ? castTo(type, value) : castMember(type, value, named.name)
}

function conformObject(type: ObjectType, object: ReadonlyMap<string, Value>, own: string, grow: Grow | null): Value {
  const kept = new Map<string, Value>()
  for (const [name, value] of object) {
    const known = type.fields.get(name)
    if (known !== undefined && grow?.fresh.has(known) && isListOfNothing(value)) continue
    if (known !== undefined && grow !== null && isUntyped(known)) kept.set(name, typeMember(type, name, value, grow))
    else if (known !== undefined) kept.set(name, conform(known, value, { name, top: false }, grow))
    else if (type.policy === 'strict') throw new CrateError(`Cannot add column \`${name}\` to strict object \`${own}\``)
    else if (grow === null) kept.set(name, value)
    else if (type.policy === 'ignored') kept.set(name, refuseHuge(value))
    else {
      kept.set(name, addMember(type, name, value, grow))
      const made = type.fields.get(name)!
      if (made.kind === 'array' && made.element !== UNDEFINED) grow.fresh.add(made)
    }
  }
  return kept
}

/**
 * Such a list goes lost, in silence, where a row of another shard makes the member a list in the same statement (seen on 6.4.3,
 * a race: about one in five). Here it is always lost, if it comes behind that row.
 */
const isListOfNothing = (value: Value): boolean => isList(value) && value.every((element) => element === null)

/** Null makes a member of no type, a list of nothing else one of lists of no type. */
function addMember(type: ObjectType, name: string, value: Value, grow: Grow): Value {
  const found = typeOfValue(value)
  if (found === null) {
    grow.add(type, name, isList(value) ? arrayOf(UNDEFINED) : UNDEFINED)
    return value
  }
  grow.add(type, name, emptied(found))
  return conform(type.fields.get(name)!, value, { name, top: false }, grow)
}

const isUntyped = (type: DataType): boolean =>
  type === UNDEFINED || (type.kind === 'array' && type.element === UNDEFINED)

/** The first value types a member that was made by null or by an empty list. */
function typeMember(type: ObjectType, name: string, value: Value, grow: Grow): Value {
  if (value === null) return null
  const known = type.fields.get(name)!
  // A mistake of CrateDB 6.4.
  if (known === UNDEFINED && isList(value))
    throw new CrateError(
      'Cannot invoke "io.crate.metadata.ColumnIdent.isChildOf(io.crate.metadata.ColumnIdent)" because "columnIdent" is null',
    )
  if (known !== UNDEFINED && !isList(value)) throw wrongMember(name, value, known)
  if (typeOfValue(value) === null) return value
  type.fields.delete(name)
  return addMember(type, name, value, grow)
}

/** Members of a new object are added one by one, so that each is checked and counted. */
function emptied(type: DataType): DataType {
  if (type.kind === 'array') return arrayOf(emptied(type.element))
  return type.kind === 'object' ? objectOf('dynamic') : type
}

function castMember(type: DataType, value: Value, member: string): Value {
  if (type === UNDEFINED) return value
  const fits = typeName(type) === 'boolean' || isText(type) || typeof value !== 'boolean'
  if (!fits || isList(value) || (isObject(value) && !isText(type))) throw wrongMember(member, value, type)
  try {
    return castTo(type, value)
  } catch {
    throw wrongMember(member, value, type)
  }
}

function wrongMember(member: string, value: Value, type: DataType): CrateError {
  return new CrateError(
    `Cannot cast object element \`${member}\` with value \`${show(value)}\` to type \`${typeText(type)}\``,
  )
}

/** The type of a new member. Null where the value tells none. */
function typeOfValue(value: Value): DataType | null {
  if (value === null) return null
  if (typeof value === 'bigint') {
    refuseHuge(value)
    return BIGINT
  }
  if (typeof value === 'number') return DOUBLE
  if (typeof value === 'boolean') return BOOLEAN
  if (typeof value === 'string') return TEXT
  if (isObject(value)) return objectOf('dynamic')
  if (!isList(value)) throw cannotDetect(value)
  const types = value.map(typeOfValue).filter((type) => type !== null)
  return types.length === 0 ? null : arrayOf(types.reduce(commonType))
}

/** Of scalars, the type that all may be cast to: a text beside numbers must read as one. */
function commonType(a: DataType, b: DataType): DataType {
  if (a.kind === 'scalar' && b.kind === 'scalar') {
    const order = ['text', 'boolean', 'bigint', 'double precision']
    return order.indexOf(a.name) >= order.indexOf(b.name) ? a : b
  }
  if (a.kind === b.kind) return a.kind === 'array' && b.kind === 'array' ? arrayOf(commonType(a.element, b.element)) : a
  throw new CrateError(`Mixed dataTypes inside a list are not supported. Found ${typeName(a)} and ${typeName(b)}`)
}

/** Whole numbers beyond 64 bits have no type, wherever in an object they stand. */
function refuseHuge(value: Value): Value {
  if (typeof value === 'bigint' && BigInt.asIntN(64, value) !== value) throw cannotDetect(value)
  if (isList(value)) return value.map(refuseHuge)
  if (isObject(value)) return new Map([...value].map(([name, member]) => [name, refuseHuge(member)]))
  return value
}

function cannotDetect(value: Value): CrateError {
  return new CrateError(`Cannot detect the type of the value: ${show(value)}`)
}

/** To the index the two ends of 64 bits mean "none". */
function checkEnds(type: DataType, value: Value): void {
  if (type.kind === 'array') {
    if (isList(value)) for (const element of value) checkEnds(type.element, element)
  } else if (type.kind === 'object') {
    if (isObject(value)) for (const [member, field] of type.fields) checkEnds(field, value.get(member) ?? null)
  } else if (type.name === 'bigint' && (value === -LOW_END - 1n || value === LOW_END)) {
    throw new CrateError(`Value ${value} exceeds allowed range for column of type bigint`)
  }
}

const LOW_END = -(1n << 63n)

function checkTerms(name: string, type: DataType, value: Value): void {
  if (typeof value === 'string' && isText(type)) {
    if (Buffer.byteLength(value) <= LONGEST_TERM_BYTES) return
    throw new CrateError(
      `Document contains at least one immense term in field="${name}" (whose UTF8 encoding is longer than the max length ${LONGEST_TERM_BYTES}), all of which were skipped.`,
    )
  }
  if (type.kind === 'array' && isList(value)) for (const element of value) checkTerms(name, type.element, element)
  // Members that no column is known of are not indexed.
  if (type.kind === 'object' && isObject(value))
    for (const [member, field] of type.fields) checkTerms(`${name}.${member}`, field, value.get(member) ?? null)
}
