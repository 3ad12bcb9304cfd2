import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ImageTokens, Value } from '../../../../src/change.ts'
import { TokenBounds } from '../../../../src/decode/image-tokens.ts'
import type { Codec } from '../../../../src/sinks/tables/codecs/codec.ts'
import { codecFor } from '../../../../src/sinks/tables/codecs/codec-for.ts'
import { anySeed, type Random, seededRandom } from '../../../support/life/random.ts'

const TYPES: readonly (readonly [name: string, modifier: number])[] = [
  ...['int2', 'int4', 'int8', 'float4', 'float8', 'bool', 'text', 'bytea', 'json', 'jsonb', 'uuid'].map(
    (name) => [name, -1] as const,
  ),
  ...['date', 'time', 'timetz', 'timestamp', 'timestamptz'].flatMap((name) => [
    [name, -1] as const,
    [name, 3] as const,
  ]),
  ['timestamptz', 0],
  ['numeric', -1],
  // numeric(6,2), numeric(3,0), numeric(2,2), numeric(2,-1)
  ...[(6 << 16) | 2, 3 << 16, (2 << 16) | 2, (2 << 16) | 0x7ff].map((scaled) => ['numeric', scaled + 4] as const),
  ['varchar', -1],
  ['varchar', 4 + 5],
  ['bpchar', 4 + 5],
  ['citext', -1],
]

const codecOf = ([name, modifier]: (typeof TYPES)[number]): Codec =>
  codecFor({ underlying: { name, sql: name, modifier, kind: 'b' }, collation: null }, 'textual')

const bounds = new TokenBounds()

function imageOf(token: string): ImageTokens {
  const bytes = Buffer.from(`[${token},`)
  bounds.begin()
  bounds.add(1, bytes.length - 1)
  return bounds.image(['column'], bytes)
}

function tokenOf(random: Random): string {
  const digits = (most: number): string => String(random.below(10 ** (1 + random.below(most))))
  const two = (limit: number): string => String(random.below(limit)).padStart(2, '0')
  switch (random.below(5)) {
    case 0:
      return random.pick(EDGES)
    case 1:
      return `${random.pick(['', '-'])}${digits(15)}${random.chance(0.5) ? `.${two(100)}${digits(8)}` : ''}`
    case 2: {
      const day = `${random.pick(['2026', '0000', '1999', '9999'])}-${two(14)}-${two(33)}`
      if (random.chance(0.3)) return `"${day}"`
      const fraction = random.pick(['', '.1', '.120', '.123456', '.1234567', '.'])
      return `"${day}T${two(26)}:${two(63)}:${two(63)}${fraction}${random.pick(['Z', 'Z', '', '+01'])}"`
    }
    default:
      return `"${Array.from({ length: random.below(6) }, () => random.pick(TEXTS)).join('')}"`
  }
}

const EDGES = [
  ...[
    '0',
    '-0',
    '0.0',
    '-0.0',
    '0.5',
    '-0.5',
    '0.0000001',
    '0.000001',
    '0.10',
    '1.0',
    '100',
    '32767',
    '32768',
    '-32768',
  ],
  ...[
    '2147483647',
    '2147483648',
    '-2147483649',
    '999999999',
    '1000000000',
    '9223372036854775807',
    '9223372036854775808',
  ],
  ...[
    '999999999999999',
    '9999999999999999',
    '123456789012345.6',
    '0.123456789012345',
    '0.1234567890123456',
    '2.2',
    '2.20000005',
  ],
  ...[
    'true',
    'false',
    '""',
    '"true"',
    '"1"',
    '"12.50"',
    '"0x00ff"',
    '"{\\"a\\":1}"',
    '"NaN"',
    '" "',
    '"a "',
    '"\\u0041"',
    '"\\/"',
  ],
]
const TEXTS = ['a', 'ö', '🚲', ' ', '\\n', '\\"', '\\\\', '\\/', '\\u00e9', '\\u001f', '\u2028', '\u007f', "'"]

test('a token that a codec takes as it is, is what it gives for the value', () => {
  const seed = anySeed()
  const random = seededRandom(seed)
  const taken = new Map<string, number>()
  const codecs = TYPES.map((type) => [type, codecOf(type)] as const)
  for (let i = 0; i < 40_000; i++) {
    const token = tokenOf(random)
    const image = imageOf(token)
    for (const [type, codec] of codecs) {
      if (codec.takesAsIs?.(image.bytes, image.start(0), image.end(0)) !== true) continue
      taken.set(String(type), (taken.get(String(type)) ?? 0) + 1)
      const value = image.value(0) as Exclude<Value, null>
      assert.equal(codec.encode(value), token, `seed ${seed}: ${type}`)
    }
  }
  for (const type of ['int4,-1', 'int8,-1', 'float8,-1', 'numeric,-1', 'text,-1', 'date,-1', 'timestamptz,-1']) {
    assert.ok((taken.get(type) ?? 0) > 200, `seed ${seed}: ${type} took ${taken.get(type)}`)
  }
})
