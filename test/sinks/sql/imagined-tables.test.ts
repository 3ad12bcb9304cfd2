import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { sql } from 'kysely'
import type { SourceTable } from '../../../src/batch.ts'
import type { ColumnType } from '../../../src/change.ts'
import { connect } from '../../../src/sinks/sql/connect.ts'
import { dialectOf } from '../../../src/sinks/sql/dialect-of.ts'
import { DECLARED_TYPES, declaredType } from '../../../src/sinks/tables/column-types.ts'
import type { Layout } from '../../../src/sinks/tables/layout.ts'
import { alter } from '../../../src/sinks/tables/mismatches.ts'
import type { Relation } from '../../../src/sinks/tables/relation.ts'
import { testCrate } from '../../support/crate/real-crate.ts'
import { GREENPLUM_KINDS, greenplumDatabase, withoutGreenplum } from '../../support/greenplum/greenplum.ts'
import { testDatabase } from '../../support/postgres/postgres.ts'

const TYPES: readonly ColumnType[] = [...new Set(DECLARED_TYPES.map((name) => declaredType(name)!))]
const TARGET = { source: 'app.all', schema: 'app', name: 'all_types' }

/** A table with a column of each type, the first two of which are its key. */
const KNOWN: SourceTable = {
  name: { schema: 'app', name: 'all' },
  key: ['k0', 'k1'],
  columns: new Map([
    ['k0', 'text'],
    ['k1', 'int64'],
    ...TYPES.map((type): [string, ColumnType] => [`c_${type}`, type]),
  ]),
  values: 'textual',
  floor: null,
}

/** What is imagined: where the columns lie in a page, and how rows are spread, only a table that is there tells. */
const imaginable = ({ page: _, distribution, isAppendOptimized, ...relation }: Relation) => ({
  ...relation,
  columns: relation.columns.map(({ storage: _, ...column }) => column),
  uniques: relation.uniques?.map(({ columns, primary, plain }) => ({ columns, primary, plain })),
})

async function compare(t: TestContext, url: string, deletes: 'hard' | 'soft'): Promise<void> {
  const connection = await connect(url)
  t.after(connection.close)
  const dialect = await dialectOf(connection, null)
  const catalogue = dialect.catalogue(connection)
  const { columns, document } = dialect.mirrors(connection, deletes, () => new Map())
  const key = { attribute: 'k0', column: 'k0', family: 'text' } as const
  const run = async (statements: Parameters<typeof catalogue.textOf>[0][]) => {
    for (const statement of statements) await statement.execute(connection.db)
  }
  if (await catalogue.lacksSchema('app')) await run([sql`CREATE SCHEMA app`])
  const desired = columns.desired({ known: KNOWN, changes: [], remembered: [] })!
  const tables: [Layout, typeof desired, string][] = [
    [columns, desired, 'all_types'],
    [document, { keys: [key], columns: [] }, 'documents'],
    [dialect.append(false), { keys: [], columns: [] }, 'log'],
  ]
  for (const [layout, wanted, name] of tables) {
    const target = { ...TARGET, name }
    const made = layout.create(target, wanted)!
    const imagined = await catalogue.imagine!(undefined, { target, ...made })
    await run([...made.statements])
    const there = (await catalogue.look('app', name))!
    assert.deepEqual(imaginable(imagined), imaginable(there), name)
    if (columns !== layout) continue
    const more = [{ name: 'more', definition: sql`bigint` }]
    const imaginedMore = await catalogue.imagine!(there, { target, columns: more, keys: [] })
    await run([alter(target, sql`ADD COLUMN "more" bigint`)])
    assert.deepEqual(imaginable(imaginedMore), imaginable((await catalogue.look('app', name))!), 'with a column more')
  }
}

test('postgresql: a table is imagined as it is once it is made', async (t) => {
  await compare(t, (await testDatabase(t)).url, 'soft')
})

for (const kind of GREENPLUM_KINDS) {
  test(`greenplum ${kind}: a table is imagined as it is once it is made`, {
    skip: withoutGreenplum(kind),
  }, async (t) => {
    await compare(t, (await greenplumDatabase(t, kind)).url, 'hard')
  })
}

test('cratedb: a table is imagined as it is once it is made', async (t) => {
  const crate = await testCrate({ refresh: 'always' })
  t.after(crate.stop)
  await compare(t, `${crate.url}?objects=dynamic`, 'soft')
})
