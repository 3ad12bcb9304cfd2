import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Change, JsonSpan, RawRecord } from '../../../src/change.ts'
import { recordDecoder } from '../../../src/decode/decoder.ts'
import { SourceTables } from '../../../src/feeds/dms/source-tables.ts'
import { SILENT } from '../../../src/observe/log.ts'
import { postgresStyle } from '../../../src/sinks/sql/postgresql/tables.ts'
import { boundColumns } from '../../../src/sinks/tables/bound-columns.ts'
import { columnsShape } from '../../../src/sinks/tables/columns-shape.ts'
import type { ColumnsTable } from '../../../src/sinks/tables/columns-table.ts'
import { desiredColumns } from '../../../src/sinks/tables/desired-columns.ts'
import { type MirrorStatements, planMirror, type RowWrite } from '../../../src/sinks/tables/mirror.ts'
import { refusing } from '../../../src/sinks/tables/refused-values.ts'
import type { Column, Relation } from '../../../src/sinks/tables/relation.ts'
import { textOf } from '../../../src/sinks/tables/row-writer.ts'
import { exactJson } from '../../decode/exact-values.ts'
import { sourceTable } from '../../support/changes.ts'
import { anySeed, type Random, seededRandom } from '../../support/life/random.ts'

const KNOWN = sourceTable({
  ...{ id: 'int64', n: 'int32', t: 'text', v: 'text', day: 'date', at: 'timestamp', f: 'float64', money: 'numeric' },
  ...{ ok: 'boolean', raw: 'bytes', gone: 'text' },
})

function column(name: string, baseType: string, more: Partial<Column> = {}): Column {
  const { modifier = -1 } = more
  const underlying = { name: baseType, sql: baseType, modifier, kind: 'b' }
  const plain = { type: baseType, modifier, notNull: false, filled: false, generated: null, collation: null }
  return { name, baseType, ...plain, underlying, ...more }
}

/** All but `gone`, which the table is not to have. */
const COLUMNS: readonly Column[] = [
  column('id', 'int8'),
  column('n', 'int4'),
  column('t', 'text'),
  column('v', 'varchar', { modifier: 5 + 4 }),
  column('day', 'date'),
  column('at', 'timestamptz'),
  column('f', 'float8'),
  column('money', 'numeric', { modifier: ((6 << 16) | 2) + 4 }),
  column('ok', 'bool'),
  column('raw', 'bytea'),
  column('cdc_version', 'int8'),
]
const EXTRA = column('cdc_extra', 'jsonb')

function tableOf(columns: readonly Column[], page?: Relation['page']): ColumnsTable {
  const style = postgresStyle('hard')
  const desired = desiredColumns({ known: KNOWN, changes: [], remembered: [] }, () => new Map(), style)!
  const relation: Relation = { kind: 'r', columns, uniques: [], foreignKeys: [], ...(page !== undefined && { page }) }
  return boundColumns({ source: 'shop.orders', schema: 'shop', name: 'orders' }, desired, relation, KNOWN, style)
}

const stored = (of: Column): Column => ({ ...of, storage: { length: -1, align: 'i', strategy: 'x' } })

const TABLES: Readonly<Record<string, ColumnsTable>> = {
  'with room for all': tableOf([...COLUMNS, EXTRA]),
  'without cdc_extra': tableOf(COLUMNS),
  'with a column that takes no NULL': tableOf(
    [...COLUMNS, EXTRA].map((of) => (of.name === 'n' ? { ...of, notNull: true } : of)),
  ),
  'without room for all': tableOf([...COLUMNS, EXTRA].map(stored), { rowBytes: 150, attributes: COLUMNS.length + 1 }),
  'with values that it is known to refuse': refusing(
    tableOf([...COLUMNS, EXTRA]),
    ({ column: name }, token) => (name === 'n' && token === '7') || (name === 't' && token === '"a"'),
  ),
}

const VALUES: Readonly<Record<string, readonly string[]>> = {
  n: ['7', '-12', '2147483648', '"7"', '1.0', 'null', 'true'],
  t: ['"a"', '"größe \\"🚲\\""', '"\\u00e9"', '""', 'null', '5'],
  v: ['"abcde"', '"abcdef"', '"ööööö"', 'null'],
  day: ['"2026-11-02"', '"2026-02-31"', '"0000-01-01"', 'null'],
  at: ['"2026-11-02T09:15:11.120001Z"', '"2026-11-02T09:15:11.120Z"', '"2026-11-02T24:00:00Z"', 'null'],
  f: ['0.5', '1.50', '-0', '12345678901234567890', 'null'],
  money: ['1234.56', '12345.6', '1.234', '"7.10"', '0', 'null'],
  ok: ['"true"', 'false', '"perhaps"', 'null'],
  raw: ['"0x00ff"', '"0x0"', 'null'],
  gone: ['"x"', 'null'],
  // None that anybody knows: the table could have a column for it.
  fresh: ['null', 'null', 'null', '1'],
}

function recordOf(random: Random, ordinal: number): RawRecord {
  const op = random.pick(['insert', 'update', 'update', 'update', 'delete'])
  const share = random.pick([1, 1, 0.4])
  const names = Object.keys(VALUES).filter((name) => random.chance(name === 'fresh' ? 0.3 : share))
  const columns = [`"id":${1 + random.below(4)}`, ...names.map((name) => `"${name}":${random.pick(VALUES[name]!)}`)]
  const old = op === 'update' && random.chance(0.3) ? `,"before-image":{"id":${1 + random.below(4)}}` : ''
  const metadata = `"timestamp":"2026-11-02T08:00:${String(ordinal).padStart(2, '0')}.000001Z","record-type":"data","operation":"${op}"`
  const data = Buffer.from(
    `{"data":{${columns.join()}}${old},"metadata":{${metadata},"schema-name":"shop","table-name":"orders"}}`,
  )
  return { shard: 'shardId-000000000000', sequence: String(ordinal), arrivedAt: 1_754_300_000_500, data }
}

const decoders = [false, true].map((takesJson) =>
  recordDecoder({ stream: 'feed', format: 'dms', takesJson: () => takesJson }),
)

/** The statements of the plan, what is refused, and what is set aside; null for no plan. */
async function planned(table: ColumnsTable, changes: readonly Change[]): Promise<unknown> {
  const written: unknown[] = []
  const kind =
    (name: string) =>
    (rows: readonly JsonSpan[]): RowWrite<null> => {
      written.push([name, rows.map((row) => exactJson(textOf(row)))])
      return async () => rows.length
    }
  const statements: MirrorStatements<null, JsonSpan> = {
    upsert: kind('upsert'),
    applyPatches: kind('patches'),
    applyMoves: kind('moves'),
    insert: kind('insert'),
    deleteRows: kind('deletes'),
  }
  const plan = await planMirror(table, columnsShape(table), statements, changes)
  return plan && [written, plan.refused.map(({ code, detail }) => [code, detail]), plan.aside.counted()]
}

for (const [title, table] of Object.entries(TABLES)) {
  test(`a table ${title}: the plan of changes that are not read is that of changes that are`, async () => {
    const seed = anySeed()
    const random = seededRandom(seed)
    let plans = 0
    for (let batch = 0; batch < 400; batch++) {
      const records = Array.from({ length: 1 + random.below(8) }, (_, i) => recordOf(random, i))
      const [read, unread] = decoders.map((decode) => {
        const tables = new SourceTables({
          declaredKey: () => ['id'],
          declaredTypes: () => new Map(),
          missingColumns: 'keep',
          needsKeys: true,
          keyWaitMs: 1000,
          askTarget: async () => assert.fail('nobody is to be asked'),
          log: SILENT,
        })
        return records.map((record) => tables.complete(decode(record)[0] as Change) as Change)
      })
      assert.ok(unread!.every(({ unread: images }) => images !== undefined))
      const theirs = await planned(table, read!)
      if (theirs !== null) plans++
      assert.deepEqual(await planned(table, unread!), theirs, `seed ${seed}, batch ${batch}`)
    }
    assert.ok(plans > 50 && plans < 400, `seed ${seed}: ${plans} plans`)
  })
}
