import { toJson, type Value } from '../src/change.ts'
import { applyText, type BareLoop, compareApply } from './compare-apply.ts'
import { dmsOrderChanges, ORDER_COLUMN_TYPES } from './dms-order-changes.ts'

const CHANGES = 100_000

const COLUMNS = 'id, customer_id, status, total, paid, weight, tags, placed_at, due, seal'

const BARE: BareLoop = {
  tables: `
    CREATE SCHEMA shop;
    CREATE TABLE shop.orders (id bigint NOT NULL PRIMARY KEY, customer_id integer, status text, total numeric,
      paid boolean, weight double precision, tags jsonb, placed_at timestamptz, due date, seal bytea,
      cdc_version bigint, cdc_extra jsonb) WITH (fillfactor = 85);
    CREATE TABLE tombstones (id bigint PRIMARY KEY, version bigint NOT NULL);`,
  upsert: `
    INSERT INTO shop.orders AS x (${COLUMNS}, cdc_version, cdc_extra)
    SELECT s.k0, s.c0, s.c1, s.c2, s.c3, s.c4, s.c5::jsonb, s.c6, s.c7, s.c8, s.v, s.e
    FROM json_to_recordset($1::json) AS s(k0 bigint, c0 integer, c1 text, c2 numeric, c3 boolean, c4 double precision,
      c5 text, c6 timestamptz, c7 date, c8 bytea, v bigint, e jsonb)
    WHERE NOT EXISTS (SELECT FROM tombstones b WHERE b.id = s.k0 AND b.version > s.v)
    ON CONFLICT (id) DO UPDATE
    SET customer_id = excluded.customer_id, status = excluded.status, total = excluded.total, paid = excluded.paid,
      weight = excluded.weight, tags = excluded.tags, placed_at = excluded.placed_at, due = excluded.due,
      seal = excluded.seal, cdc_version = excluded.cdc_version, cdc_extra = excluded.cdc_extra
    WHERE x.cdc_version IS NULL OR excluded.cdc_version >= x.cdc_version`,
  row({ key, after, version }) {
    const values = COLUMNS.split(', ').slice(1)
    const members = values.flatMap((name, i) => (after![name] === null ? [] : [`,"c${i}":${token(after![name]!)}`]))
    return `{"k0":${toJson(key!.id!)},"v":${version}${members.join('')}}`
  },
}

/** What DMS writes is what the columns read, apart from booleans and the prefix of binary; JSON travels as text. */
function token(value: Value): string {
  if (value === 'true' || value === 'false') return value
  return typeof value === 'string' && value.startsWith('0x') ? toJson(`\\${value.slice(1)}`) : toJson(value)
}

const { changes, tables, recordBytes } = dmsOrderChanges(CHANGES)
if (changes.length !== CHANGES) throw new Error(`${changes.length} changes were decoded`)
const sink = { layout: 'columns', declaredTypes: ORDER_COLUMN_TYPES } as const
console.log(applyText('apply DMS', await compareApply({ changes, tables, sink, bare: BARE }), recordBytes))
