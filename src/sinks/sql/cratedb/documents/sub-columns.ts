/** A column inside of an OBJECT column, and what it takes unchanged. */
export interface SubColumn {
  readonly scalar: Scalar
  /** True for a list of such. */
  readonly isArray: boolean
  /** Of VARCHAR(n), in UTF-16 units; null for none. */
  readonly maxLength: number | null
  /** Of an object: what becomes of members that it does not know. */
  readonly policy: ObjectPolicy
  /** True for what this process has added, until the catalogue is read again: a shard may not know it yet. */
  readonly isNew?: boolean
}

/** `undefined`: null, or an empty list, made it, and the first value gives it its type. `other` takes null alone. */
export type Scalar = NumberType | 'text' | 'boolean' | 'object' | 'undefined' | 'other'
export type NumberType = 'double precision' | 'real' | 'bigint' | 'integer' | 'smallint'
export type ObjectPolicy = 'dynamic' | 'strict' | 'ignored'

/** What an OBJECT column knows of its members. */
export interface ObjectMembers {
  /** By path, as `subColumnPath` gives it. Grows with every new member that is written. */
  readonly columns: Map<string, SubColumn>
  /** Shared by all columns of a table. */
  readonly room: Room
  /** True once a value did not fit for no other reason than that a member is new: a look at the table makes it fit. */
  isOutdated?: boolean
}

export const hasMembers = (object: ObjectMembers | undefined): boolean =>
  object !== undefined && object.columns.size > 0

/** How many columns a table may still get, members of objects included. */
export interface Room {
  left: number
}

/** @param keys names of members as they are stored, from the column down: `column_details['path']` of `information_schema.columns` */
export const subColumnPath = (keys: readonly string[]): string => keys.join(SEPARATOR)
/** Of a member of what is at a path; `''` is the column itself. */
export const memberPath = (path: string, key: string): string => (path === '' ? key : path + SEPARATOR + key)
/** Not in any stored name. */
const SEPARATOR = '\n'

/** @param dataType `data_type` of `information_schema.columns`, but `character varying` for VARCHAR(n) */
export function subColumnOf(
  dataType: string,
  maxLength: number | null = null,
  policy: ObjectPolicy = 'dynamic',
): SubColumn {
  const [, name = dataType, array] = /^(.+?)(_array)?$/.exec(dataType) ?? []
  const scalar = name === 'character varying' ? 'text' : SCALARS.has(name) ? (name as Scalar) : 'other'
  return { scalar, isArray: array !== undefined, maxLength, policy }
}

const SCALARS: ReadonlySet<string> = new Set<Scalar>([
  'double precision',
  'real',
  'bigint',
  'integer',
  'smallint',
  'text',
  'boolean',
  'object',
  'undefined',
])
