import { toJson } from '../src/change.ts'
import { applyText, type BareLoop, compareApply } from './compare-apply.ts'
import { orderChanges } from './dynamodb-orders.ts'

const BARE: BareLoop = {
  tables: `
    CREATE TABLE orders (customer text COLLATE "C" NOT NULL, "order" numeric NOT NULL, data jsonb, cdc_version bigint,
      PRIMARY KEY (customer, "order")) WITH (fillfactor = 85);
    CREATE TABLE tombstones (customer text COLLATE "C", "order" numeric, version bigint NOT NULL,
      PRIMARY KEY (customer, "order"));`,
  upsert: `
    INSERT INTO orders AS x (customer, "order", data, cdc_version)
    SELECT s.k0, s.k1, s.d, s.v
    FROM jsonb_to_recordset($1::jsonb) AS s(k0 text, k1 numeric, d jsonb, v bigint, x boolean)
    WHERE NOT EXISTS (
      SELECT FROM tombstones b WHERE b.customer = s.k0 AND b."order" = s.k1 AND b.version > s.v)
    ON CONFLICT (customer, "order") DO UPDATE SET data = excluded.data, cdc_version = excluded.cdc_version
    WHERE x.cdc_version IS NULL OR excluded.cdc_version >= x.cdc_version`,
  row: ({ key, after, version }) =>
    `{"k0":${toJson(key!.customer!)},"k1":${toJson(key!.order!)},"v":${version},"d":${toJson(after)}}`,
}

const { changes, recordBytes } = orderChanges()
const result = await compareApply({ changes, tables: new Map(), sink: { layout: 'document' }, bare: BARE })
console.log(applyText('apply', result, recordBytes))
