import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Numeric } from '../../../../../src/change.ts'
import { keyParts } from '../../../../../src/sinks/sql/cratedb/rows/key-parts.ts'
import { readBackOf } from '../../../../../src/sinks/sql/cratedb/rows/read-back.ts'
import { codecFor } from '../../../../../src/sinks/sql/cratedb/tables/codecs.ts'
import { NOT_DECLARED } from '../../../../../src/sinks/sql/cratedb/tables/column.ts'
import type { CrateRelation } from '../../../../../src/sinks/sql/cratedb/tables/relation.ts'
import type { TargetTable } from '../../../../../src/sinks/tables/layout.ts'

const NUMERIC = { ...NOT_DECLARED, dataType: 'numeric', maxLength: null, precision: 38, scale: 10 }

/** As Java prints a BigDecimal. */
const NUMERICS: readonly (readonly [printed: string, sent: string])[] = [
  ['0E-10', '0'],
  ['1.000E-7', '0.0000001'],
  ['-1.000E-7', '-0.0000001'],
  ['1.5000000000', '1.5'],
  ['120.0000000000', '120'],
]
for (const [printed, sent] of NUMERICS) {
  test(`a NUMERIC that comes back as ${printed} is what was sent as ${sent}`, () => {
    const codec = codecFor(NUMERIC, 'textual', 'numeric')
    assert.equal(readBackOf(NUMERIC, codec).element(printed), codec.encode(new Numeric(sent)))
  })
}

/** By type, what node-postgres makes of a key, and the text that finds it again and that a feed could have sent. */
const KEYS: readonly (readonly [dataType: string, answer: unknown, text: string])[] = [
  ['text', 'a ', 'a '],
  ['boolean', true, 'true'],
  ['bigint', '-9223372036854775807', '-9223372036854775807'],
  ['numeric', '1.000E-7', '0.0000001'],
  ['timestamp with time zone', '1720747062001', '2024-07-12T01:17:42.001Z'],
  ['timestamp without time zone', '1720747062001', '2024-07-12T01:17:42.001'],
  ['date', new Date(2024, 6, 12), '2024-07-12'],
]
for (const [dataType, answer, text] of KEYS) {
  test(`a key of type ${dataType} is found again by the text ${text}`, () => {
    const column = { ...NUMERIC, dataType, name: 'k' }
    const relation = { columns: [column], members: [], uniques: [{ primary: true, columns: ['k'] }] }
    const [part] = keyParts({ keys: [] } as unknown as TargetTable, relation as unknown as CrateRelation)
    assert.equal(part!.textOf(answer), text)
    assert.notEqual(codecFor(column, 'textual', null).encode(part!.valueFrom(text) as string), undefined)
  })
}
