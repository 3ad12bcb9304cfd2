import { sql } from 'kysely'
import type { Unique } from '../catalogue.ts'
import type { Connection, Database } from '../connection.ts'
import type { Statement } from '../layout.ts'
import type { Catalogue, TableWork } from '../tables.ts'
import { type Declaration, declarations, NOT_DECLARED } from './column.ts'
import type { CrateMember, CrateRelation, CrateRelationColumn } from './relation.ts'
import { rememberedTables } from './remembered-tables.ts'

/**
 * CrateDB's catalogue, which shows the state of the cluster: what a statement made is there for the next one. A schema comes
 * into being with its first table. Nothing is undone if something fails: what is there the next time is taken as it is.
 */
export function crateCatalogue({ db }: Connection): Catalogue {
  const remembered = rememberedTables(db)
  const work: TableWork = {
    look: (schema, name) => readRelation(db, schema, name),
    lacksSchema: async () => false,
    async run(statements) {
      for (const statement of statements) await runUnlessDone(db, statement)
    },
    remember: (table) => remembered.remember(table),
  }
  return {
    load: (relay) => remembered.load(relay),
    look: work.look,
    work: (doing) => doing(work),
    textOf: (statement) => statement.compile(db).sql,
  }
}

/** What somebody made in the meantime needs not be made; whether it fits is seen when the table is looked at again. */
async function runUnlessDone(db: Database, statement: Statement): Promise<void> {
  try {
    await statement.execute(db)
  } catch (error) {
    if (!(error instanceof Error && IS_THERE.test(error.message))) throw error
  }
}

const IS_THERE = /already has a column named|already exists/

/** Undefined if nothing bears the name. */
export async function readRelation(db: Database, schema: string, name: string): Promise<CrateRelation | undefined> {
  const found = await sql<{ table_type: string }>`
    SELECT table_type FROM information_schema.tables
    WHERE table_schema = ${schema} AND table_name = ${name}`.execute(db)
  const type = found.rows[0]?.table_type
  if (type === undefined) return undefined
  const declared = type === 'BASE TABLE' ? await readDeclarations(db, schema, name) : new Map()
  return {
    kind: KINDS[type] ?? null,
    ...(await readColumns(db, schema, name, declared)),
    uniques: await readPrimaryKey(db, schema, name),
    foreignKeys: [],
  }
}

const KINDS: Readonly<Record<string, string>> = { 'BASE TABLE': 'r', VIEW: 'v', FOREIGN: 'f' }

/** `SHOW CREATE TABLE` answers one text, in a column whose name differs between versions. */
async function readDeclarations(db: Database, schema: string, name: string): Promise<ReadonlyMap<string, Declaration>> {
  const { rows } = await sql<Record<string, string>>`SHOW CREATE TABLE ${sql.id(schema, name)}`.execute(db)
  return declarations(Object.values(rows[0]!)[0]!)
}

interface ColumnRow {
  readonly column_name: string
  readonly data_type: string
  readonly is_nullable: boolean
  readonly column_default: string | null
  readonly is_generated: string
  readonly character_maximum_length: number | null
  /** `path` leads from the column to a member of an object; empty for a column of the table. */
  readonly column_details: { readonly name: string; readonly path: readonly string[] }
}

async function readColumns(
  db: Database,
  schema: string,
  name: string,
  declared: ReadonlyMap<string, Declaration>,
): Promise<Pick<CrateRelation, 'columns' | 'members'>> {
  const { rows } = await sql<ColumnRow>`
    SELECT column_name, data_type, is_nullable, column_default, is_generated, character_maximum_length, column_details
    FROM information_schema.columns WHERE table_schema = ${schema} AND table_name = ${name}
    ORDER BY ordinal_position`.execute(db)
  const isMember = ({ column_details }: ColumnRow): boolean => column_details.path.length > 0
  return {
    columns: rows
      .filter((row) => !isMember(row))
      .map((row) => columnOf(row, declared.get(row.column_name) ?? NOT_DECLARED)),
    members: rows.filter(isMember).map(memberOf),
  }
}

const memberOf = ({ column_name, data_type, character_maximum_length, column_details }: ColumnRow): CrateMember => ({
  name: column_name,
  path: [column_details.name, ...column_details.path],
  dataType: data_type,
  maxLength: character_maximum_length,
  ...NOT_DECLARED,
})

function columnOf(row: ColumnRow, declared: Declaration): CrateRelationColumn {
  const { column_name: name, data_type: dataType, character_maximum_length: maxLength } = row
  const type = typeText(dataType, maxLength, declared)
  const baseType = baseTypeOf(dataType)
  const modifier = modifierOf(dataType, maxLength, declared)
  const isGenerated = row.is_generated === 'ALWAYS'
  return {
    name,
    type,
    baseType,
    modifier,
    notNull: !row.is_nullable,
    filled: isGenerated || row.column_default !== null,
    generated: isGenerated ? 'expression' : null,
    collation: null,
    underlying: { name: baseType, sql: dataType, modifier, kind: 'b' },
    dataType,
    maxLength,
    ...declared,
  }
}

/** CrateDB's names → those by which PostgreSQL keeps the same types. Others stay as they are: `object`, `ip`, `geo_point`. */
const BASE_TYPES: Readonly<Record<string, string>> = {
  boolean: 'bool',
  smallint: 'int2',
  integer: 'int4',
  bigint: 'int8',
  real: 'float4',
  'double precision': 'float8',
  'character varying': 'varchar',
  character: 'bpchar',
  'timestamp with time zone': 'timestamptz',
  'timestamp without time zone': 'timestamp',
}

/** `bigint` → `int8`, `bigint_array` → `_int8`. */
function baseTypeOf(dataType: string): string {
  if (dataType.endsWith('_array')) return `_${baseTypeOf(dataType.slice(0, -'_array'.length))}`
  return BASE_TYPES[dataType] ?? dataType
}

/** As SQL would declare it. */
function typeText(dataType: string, maxLength: number | null, { precision, scale, policy }: Declaration): string {
  if (maxLength !== null) return `${dataType}(${maxLength})`
  if (precision !== null) return `${dataType}(${precision},${scale})`
  return policy === null ? dataType : `${dataType}(${policy})`
}

/** As PostgreSQL encodes them. */
function modifierOf(dataType: string, maxLength: number | null, { precision, scale }: Declaration): number {
  if (maxLength !== null && dataType.startsWith('character')) return maxLength + 4
  return precision === null ? -1 : precision * 65_536 + (scale ?? 0) + 4
}

/** The only thing that is unique. Parts that are members of an object read `pk['id']`. */
async function readPrimaryKey(db: Database, schema: string, name: string): Promise<Unique[]> {
  const { rows } = await sql<{ constraint_name: string; column_name: string }>`
    SELECT constraint_name, column_name FROM information_schema.key_column_usage
    WHERE table_schema = ${schema} AND table_name = ${name} ORDER BY ordinal_position`.execute(db)
  const first = rows[0]
  if (first === undefined) return []
  const columns = rows.map(({ column_name }) => column_name)
  const constraint = first.constraint_name
  return [{ name: constraint, constraint, primary: true, columns, plain: true, deferrable: false }]
}
