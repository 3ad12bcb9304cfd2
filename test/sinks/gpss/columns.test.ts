import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gpssColumn } from '../../../src/sinks/gpss/columns.ts'

const INT64_MAX = 2 ** 63
/** What is told beside the type, and how that is shown behind it. */
type Beside = {
  readonly length?: number
  readonly precisionScale?: readonly [number, number]
  readonly shown?: string
}
const cases: readonly (readonly [spelled: readonly string[], type: string, modifier: number, beside?: Beside])[] = [
  [['int4', 'INT4', 'integer', 'Integer', 'int', 'serial', 'pg_catalog.int4'], 'int4', -1],
  [['int8', 'bigint', 'BIGSERIAL'], 'int8', -1],
  [['int2', 'smallint'], 'int2', -1],
  [['bool', 'boolean'], 'bool', -1],
  [['float4', 'real'], 'float4', -1],
  [['float8', 'double precision', 'DOUBLE  PRECISION'], 'float8', -1],
  [['varchar', 'character varying', 'VARCHAR'], 'varchar', 24, { length: 20, shown: '(20)' }],
  [['varchar(20)', 'character varying(20)', 'CHARACTER VARYING (20)'], 'varchar', 24],
  // What Go's driver reports of a varchar without length, and of text.
  [['VARCHAR'], 'varchar', -1, { length: -5 }],
  [['TEXT'], 'text', -1, { length: INT64_MAX }],
  [['VARCHAR'], 'varchar', -1, { length: INT64_MAX }],
  [['bpchar', 'character', 'char'], 'bpchar', 7, { length: 3, shown: '(3)' }],
  [['CHAR(3)'], 'bpchar', 7, { length: 3 }],
  [['numeric(5,2)', 'NUMERIC(5, 2)', 'decimal(5,2)'], 'numeric', ((5 << 16) | 2) + 4],
  [['numeric(5)'], 'numeric', (5 << 16) + 4],
  [['NUMERIC'], 'numeric', ((38 << 16) | 9) + 4, { precisionScale: [38, 9], shown: '(38,9)' }],
  [['NUMERIC'], 'numeric', -1, { precisionScale: [65535, 65531] }],
  [['numeric'], 'numeric', -1],
  [['timestamp', 'timestamp without time zone'], 'timestamp', -1],
  [['timestamp(3) without time zone', 'TIMESTAMP(3)'], 'timestamp', 3],
  [['timestamptz', 'timestamp with time zone'], 'timestamptz', -1],
  [['timestamp(0) with time zone'], 'timestamptz', 0],
  [['time', 'time without time zone'], 'time', -1],
  [['_int4', 'integer[]', 'INT4[]'], '_int4', -1],
  [['character varying(20)[]'], '_varchar', -1],
  [['mood'], 'mood', -1],
  [['constructor'], 'constructor', -1],
]

test('a type is one type however it is spelled', () => {
  for (const [spellings, type, modifier, beside] of cases) {
    for (const databaseType of spellings) {
      const { shown = '', ...given } = beside ?? {}
      const told = { length: null, precisionScale: null, ...given }
      const column = gpssColumn({ name: 'a', databaseType, nullable: false, ...told })
      assert.deepEqual(
        column,
        { name: 'a', declared: databaseType + shown, type, modifier, nullable: false },
        databaseType,
      )
    }
  }
})
