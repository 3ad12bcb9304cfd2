import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type HeldType, isWider, newType } from '../../../src/sinks/tables/widening.ts'

/** `numeric(10,2)`, by the names of the catalogue. */
function typeOf(text: string): HeldType {
  const [, baseType, first, second] = /^(\w+?)(?:\((\d+)(?:,(-?\d+))?\))?$/.exec(text)!
  if (first === undefined) return { baseType: baseType!, modifier: -1 }
  if (baseType === 'numeric') {
    return { baseType, modifier: Number(first) * 65_536 + (Number(second ?? 0) & 0x7ff) + 4 }
  }
  const hasHeader = baseType === 'varchar' || baseType === 'bpchar'
  return { baseType: baseType!, modifier: Number(first) + (hasHeader ? 4 : 0) }
}

/** Each holds what those before it hold, and more. */
const CHAINS: readonly (readonly string[])[] = [
  ['int2', 'int4', 'int8', 'numeric(19,0)', 'numeric(21,2)', 'numeric'],
  ['int2', 'numeric(5,0)', 'numeric(10,3)'],
  ['int4', 'numeric(12,2)', 'numeric'],
  ['float4', 'float8'],
  ['varchar(3)', 'varchar(20)', 'text'],
  ['varchar(3)', 'varchar'],
  ['bpchar(3)', 'bpchar(4)'],
  ['numeric(4,2)', 'numeric(5,2)', 'numeric(6,3)', 'numeric'],
  ['numeric(3,-2)', 'numeric(4,-2)', 'numeric(5,-1)', 'numeric(6,0)'],
  ['timestamp(0)', 'timestamp(3)', 'timestamp'],
  ['timestamptz(2)', 'timestamptz(6)'],
  ['time(0)', 'time(1)', 'time'],
  ['timetz(0)', 'timetz'],
  ['varbit(3)', 'varbit(4)', 'varbit'],
]

const OTHERS: readonly (readonly [from: string, to: string])[] = [
  ['int4', 'numeric(9,0)'],
  ['int8', 'numeric(20,2)'],
  ['int4', 'float8'],
  ['int8', 'text'],
  ['bool', 'int2'],
  ['float8', 'numeric'],
  ['numeric(10,2)', 'numeric(10,3)'],
  ['numeric(10,2)', 'numeric(11,1)'],
  ['numeric(10,2)', 'numeric(10,2)'],
  ['numeric(10,2)', 'int8'],
  ['numeric', 'numeric(38,10)'],
  ['varchar', 'text'],
  ['text', 'varchar'],
  ['bpchar(3)', 'text'],
  ['bpchar(3)', 'bpchar'],
  ['bpchar(3)', 'varchar(9)'],
  ['varchar(3)', 'bpchar(9)'],
  ['bit(3)', 'bit(4)'],
  ['timestamp', 'timestamptz'],
  ['timestamp(6)', 'timestamp'],
  ['date', 'timestamp'],
  ['json', 'jsonb'],
  ['uuid', 'text'],
]

test('a type is wider if it holds all that the other does, and more', () => {
  for (const chain of CHAINS) {
    for (const [i, from] of chain.entries()) {
      for (const [j, to] of chain.entries()) {
        assert.equal(isWider(typeOf(from), typeOf(to)), i < j, `${from} → ${to}`)
      }
    }
  }
})

test('anything else is no widening', () => {
  for (const [from, to] of OTHERS) assert.equal(isWider(typeOf(from), typeOf(to)), false, `${from} → ${to}`)
})

test('the types of new columns, as each database spells them', () => {
  for (const [type, is] of [
    ['text COLLATE "C"', 'text'],
    ['timestamp with time zone', 'timestamptz'],
    ['NUMERIC(38, 10)', 'numeric(38,10)'],
    ['NUMERIC(20, 0)', 'numeric(20,0)'],
    ['DOUBLE PRECISION', 'float8'],
    ['SMALLINT', 'int2'],
  ] as const) {
    assert.deepEqual(newType(type), typeOf(is), type)
  }
  for (const type of ['jsonb', 'OBJECT(IGNORED)', 'boolean', 'constructor']) assert.equal(newType(type), null, type)
})
