import { sql } from 'kysely'
import type { MadeTable } from '../tables/catalogue.ts'
import type { Database } from '../tables/database.ts'
import type { Column, ForeignKey, PageLimits, Relation, UnderlyingType, Unique } from '../tables/relation.ts'

/**
 * Undefined if nothing bears the name.
 *
 * One set of queries for PostgreSQL from 9.4 on, the kernel of Greenplum 6: what only some of them have in their catalogue
 * is taken out of the row as JSON, where what is missing is NULL. Types under domains are followed by queries of their own,
 * for Greenplum does not take recursion in a subquery.
 */
export async function readRelation(db: Database, schema: string, name: string): Promise<Relation | undefined> {
  const found = await sql<{ oid: string; kind: string; isAppendOptimized: boolean; page: PageLimits }>`
    SELECT c.oid::text AS oid, CASE WHEN row_to_json(c)->>'relstorage' = 'x' THEN 'x' ELSE c.relkind::text END AS kind,
      coalesce(row_to_json(c)->>'relstorage' IN ('a', 'c'), false)
        OR coalesce(m.amname IN ('ao_row', 'ao_column', 'pax'), false) AS "isAppendOptimized",
      json_build_object('rowBytes', current_setting('block_size')::int - 32, 'attributes', c.relnatts) AS page
    FROM pg_catalog.pg_class c
      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      LEFT JOIN pg_catalog.pg_am m ON m.oid = c.relam
    WHERE n.nspname = ${schema} AND c.relname = ${name}`.execute(db)
  const relation = found.rows[0]
  if (relation === undefined) return undefined
  const { oid, kind, isAppendOptimized, page } = relation
  return {
    kind,
    isAppendOptimized,
    page,
    columns: await readColumns(db, oid),
    uniques: await readUniques(db, oid),
    foreignKeys: await readForeignKeys(db, oid),
    ...(kind === 'p' ? { partitionedBy: await readPartitionColumns(db, oid) } : {}),
  }
}

/** Of PostgreSQL 10 and later, which has this kind of table. */
async function readPartitionColumns(db: Database, oid: string): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    SELECT coalesce(a.attname, '') AS name
    FROM pg_catalog.pg_partitioned_table p
      CROSS JOIN generate_series(0, p.partnatts - 1) AS n
      LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = p.partrelid AND a.attnum = p.partattrs[n] AND a.attnum > 0
    WHERE p.partrelid = ${oid}::oid`.execute(db)
  return rows.map(({ name }) => name)
}

async function readColumns(db: Database, oid: string): Promise<Column[]> {
  const { rows } = await sql<Omit<Column, 'underlying'> & { typeId: string }>`
    SELECT a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type, t.typname AS "baseType",
      a.atttypmod AS modifier, a.attnotnull AS "notNull",
      a.atthasdef OR coalesce(row_to_json(a)->>'attidentity', '') <> '' AS filled,
      CASE WHEN row_to_json(a)->>'attgenerated' <> '' THEN 'expression'
        WHEN row_to_json(a)->>'attidentity' = 'a' THEN 'identity' END AS generated,
      CASE WHEN l.oid IS NOT NULL THEN json_build_object('schema', ln.nspname, 'name', l.collname,
        'deterministic', coalesce((row_to_json(l)->>'collisdeterministic')::boolean, true)) END AS collation,
      t.oid::text AS "typeId",
      json_build_object('length', a.attlen, 'align', a.attalign, 'strategy', a.attstorage) AS storage
    FROM pg_catalog.pg_attribute a
      JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
      LEFT JOIN pg_catalog.pg_collation l ON l.oid = a.attcollation
      LEFT JOIN pg_catalog.pg_namespace ln ON ln.oid = l.collnamespace
    WHERE a.attrelid = ${oid}::oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`.execute(db)
  const types = await readTypes(db, new Set(rows.map(({ typeId }) => typeId)))
  return rows.map(({ typeId, ...column }) => ({
    ...column,
    underlying: underlyingType(types, typeId, column.modifier),
  }))
}

interface Type extends Pick<UnderlyingType, 'name' | 'sql' | 'modifier' | 'kind' | 'delimiter' | 'money'> {
  readonly id: string
  readonly isNotNull: boolean
  readonly checks: readonly string[]
  readonly labels: readonly string[]
  /** Of a domain, what it is made from; its modifier is that of this. */
  readonly base: string | null
  readonly element: string | null
  readonly subtype: string | null
  readonly attributes: readonly { readonly id: string; readonly modifier: number }[]
}

/** These types, and those that they are made of. */
async function readTypes(db: Database, ids: ReadonlySet<string>): Promise<ReadonlyMap<string, Type>> {
  const types = new Map<string, Type>()
  for (let wanted = ids; wanted.size > 0; ) {
    const { rows } = await sql<Type>`
      SELECT t.oid::text AS id, t.typname AS name, format_type(t.oid, -1) AS sql, t.typtypmod AS modifier,
        t.typtype::text AS kind, t.typnotnull AS "isNotNull", nullif(t.typbasetype, 0)::text AS base,
        e.oid::text AS element, e.typdelim::text AS delimiter, r.rngsubtype::text AS subtype,
        CASE WHEN t.oid = 'pg_catalog.money'::regtype THEN
          json_build_object('thousand', 1000::numeric::money::text, 'digits', length(split_part(1::numeric::money::numeric::text, '.', 2)))
        END AS money,
        coalesce((SELECT json_agg(l.enumlabel ORDER BY l.enumsortorder) FROM pg_catalog.pg_enum l
          WHERE l.enumtypid = t.oid), '[]') AS labels,
        coalesce((SELECT json_agg(pg_get_constraintdef(k.oid)) FROM pg_catalog.pg_constraint k
          WHERE k.contypid = t.oid AND k.contype = 'c'), '[]') AS checks,
        coalesce((SELECT json_agg(json_build_object('id', a.atttypid::text, 'modifier', a.atttypmod) ORDER BY a.attnum)
          FROM pg_catalog.pg_attribute a
          WHERE t.typtype = 'c' AND a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped), '[]') AS attributes
      FROM pg_catalog.pg_type t
        LEFT JOIN pg_catalog.pg_type e ON e.oid = t.typelem AND e.typarray = t.oid
        LEFT JOIN pg_catalog.pg_range r ON t.oid IN (r.rngtypid, (row_to_json(r)->>'rngmultitypid')::oid)
      WHERE t.oid::text IN (SELECT jsonb_array_elements_text(${JSON.stringify([...wanted])}::jsonb))`.execute(db)
    for (const type of rows) types.set(type.id, type)
    wanted = new Set(rows.flatMap(partsOf).filter((id) => !types.has(id)))
  }
  return types
}

const partsOf = ({ base, element, subtype, attributes }: Type): string[] =>
  [base, element, subtype, ...attributes.map(({ id }) => id)].filter((id) => id !== null)

function underlyingType(types: ReadonlyMap<string, Type>, id: string, modifier: number): UnderlyingType {
  const { name, sql, kind, base, ...type } = types.get(id)!
  if (kind === 'd') {
    const under = underlyingType(types, base!, type.modifier)
    const checks = [...type.checks, ...(under.checks ?? [])]
    return { ...under, isNotNull: type.isNotNull || under.isNotNull === true, checks }
  }
  const { labels, element, delimiter, subtype, attributes, money } = type
  return {
    name,
    sql,
    modifier,
    kind,
    ...(kind === 'e' ? { labels } : {}),
    ...(element === null ? {} : { element: underlyingType(types, element, modifier), delimiter: delimiter! }),
    ...(subtype === null ? {} : { subtype: underlyingType(types, subtype, -1) }),
    ...(kind === 'c' ? { attributes: attributes.map(({ id, modifier }) => underlyingType(types, id, modifier)) } : {}),
    ...(money == null ? {} : { money }),
  }
}

/** What `readRelation` would say of a table of the relay's own making, once it has these columns. */
export async function imagineRelation(
  db: Database,
  there: Relation | undefined,
  { target, columns, keys }: MadeTable,
): Promise<Relation> {
  const parts = columns.map(({ name, definition }) => ({ name, ...partsOfDefinition(definition.compile(db).sql) }))
  const { rows } = await sql<Pick<Column, 'type' | 'baseType' | 'collation'> & { spelled: string; id: string }>`
    SELECT s.spelled, t.oid::text AS id, format_type(t.oid, -1) AS type, t.typname AS "baseType",
      CASE WHEN l.oid IS NOT NULL THEN json_build_object('schema', ln.nspname, 'name', l.collname,
        'deterministic', true) END AS collation
    FROM jsonb_array_elements_text(${JSON.stringify([...new Set(parts.map(({ type }) => type))])}::jsonb) AS s(spelled)
      JOIN pg_catalog.pg_type t ON t.oid = s.spelled::regtype::oid
      LEFT JOIN pg_catalog.pg_collation l ON l.oid = t.typcollation
      LEFT JOIN pg_catalog.pg_namespace ln ON ln.oid = l.collnamespace`.execute(db)
  const named = new Map(rows.map(({ spelled, ...type }) => [spelled, type]))
  const types = await readTypes(db, new Set(rows.map(({ id }) => id)))
  const made = parts.map(({ name, type, notNull, isC }): Column => {
    const { id, ...rest } = named.get(type)!
    const collation = isC ? C : rest.collation
    const underlying = underlyingType(types, id, -1)
    return { ...rest, name, modifier: -1, notNull, filled: false, generated: null, collation, underlying }
  })
  if (there !== undefined) return { ...there, columns: withMade(there.columns, made) }
  const name = `${target.name}_pkey`
  const key = { name, constraint: name, primary: true, columns: keys, plain: true, deferrable: false }
  return { kind: 'r', columns: made, uniques: keys.length === 0 ? [] : [key], foreignKeys: [] }
}

/** A column that is there gets another type. */
function withMade(there: readonly Column[], made: readonly Column[]): readonly Column[] {
  const retyped = there.map((column) => {
    const { type, baseType, modifier, underlying } = made.find(({ name }) => name === column.name) ?? column
    return { ...column, type, baseType, modifier, underlying }
  })
  return [...retyped, ...made.filter(({ name }) => !there.some((column) => column.name === name))]
}

const C = { schema: 'pg_catalog', name: 'C', deterministic: true }

/** As the relay writes them: `text COLLATE "C" NOT NULL`. */
function partsOfDefinition(text: string): { readonly type: string; readonly isC: boolean; readonly notNull: boolean } {
  const [, type, collation, notNull] = /^(.*?)( COLLATE "C")?( NOT NULL)?$/s.exec(text)!
  return { type: type!, isC: collation !== undefined, notNull: notNull !== undefined }
}

async function readUniques(db: Database, oid: string): Promise<Unique[]> {
  const { rows } = await sql<Unique>`
    SELECT c.relname AS name, k.conname AS constraint, i.indisprimary AS "primary",
      i.indisunique AND i.indimmediate AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL AS plain,
      NOT i.indimmediate AS deferrable,
      CASE WHEN i.indexprs IS NOT NULL THEN '[]'::json ELSE
        (SELECT json_agg(a.attname ORDER BY n)
          FROM generate_series(0, coalesce((row_to_json(i)->>'indnkeyatts')::int, i.indnatts) - 1) AS n
            JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[n]) END AS columns,
      CASE WHEN i.indexprs IS NOT NULL AND i.indisunique AND i.indimmediate AND i.indisvalid AND i.indpred IS NULL THEN
        (SELECT json_agg(pg_get_indexdef(i.indexrelid, n, true) ORDER BY n)
          FROM generate_series(1, coalesce((row_to_json(i)->>'indnkeyatts')::int, i.indnatts)) AS n) END AS parts
    FROM pg_catalog.pg_index i
      JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
      LEFT JOIN pg_catalog.pg_constraint k ON k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x')
    WHERE i.indrelid = ${oid}::oid AND (i.indisunique OR i.indisexclusion) ORDER BY c.relname`.execute(db)
  return rows
}

async function readForeignKeys(db: Database, oid: string): Promise<ForeignKey[]> {
  const { rows } = await sql<ForeignKey>`
    SELECT k.conname AS name, k.conrelid::regclass::text AS "from", k.confrelid::regclass::text AS "to"
    FROM pg_catalog.pg_constraint k
    WHERE k.contype = 'f' AND (k.conrelid = ${oid}::oid OR k.confrelid = ${oid}::oid)
      AND coalesce(row_to_json(k)->>'conparentid', '0') = '0'
    ORDER BY k.conname`.execute(db)
  return rows
}
