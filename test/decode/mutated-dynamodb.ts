import { type Random, seededRandom } from '../support/life/random.ts'

/**
 * Records of DynamoDB as text, some of them spoiled: by rare spellings, members that are missing, doubled or in another order, white
 * space, and bytes that are changed, lost or doubled. About half of them are as the service writes them.
 */
export function* mutatedRecords(seed: number, count: number): Generator<Uint8Array, void, void> {
  const random = seededRandom(seed)
  for (let i = 0; i < count; i++) {
    const text = recordText(random)
    const bytes = Buffer.from(text)
    yield random.chance(0.2) ? spoiled(random, bytes) : bytes
  }
}

/** Few are rare: a record has many chances to hold one. */
const RARE = 0.004

function recordText(random: Random): string {
  const name = random.pick(['INSERT', 'MODIFY', 'REMOVE'])
  const keys = members(keyOf(random))
  const image = (): string => members([...entriesOf(keys), ...attributes(random, 0)])
  const dynamodb: Member[] = [
    ['ApproximateCreationDateTime', timeOf(random)],
    ['Keys', keys],
    ['SizeBytes', String(random.below(400) - 1)],
  ]
  if (name !== 'REMOVE' || random.chance(RARE)) dynamodb.push(['NewImage', image()])
  if (name !== 'INSERT') dynamodb.push(['OldImage', image()])
  if (random.chance(0.5)) dynamodb.push(['ApproximateCreationDateTimePrecision', '"MICROSECOND"'])
  const record: Member[] = [
    ['awsRegion', '"eu-north-1"'],
    ['eventID', random.chance(RARE) ? 'null' : plainToken(random)],
    ['eventName', rarely(random, `"${name}"`, ['"insert"', '"REMOVED"', 'null', '"\\u0049NSERT"'])],
    ['userIdentity', identityOf(random, name)],
    ['recordFormat', '"application/json"'],
    ['tableName', rarely(random, random.pick(['"orders"', '"Größe"', '"a-b_c.d"']), ['""', '7', '"a\\tb"'])],
    ['dynamodb', members(shuffledAtTimes(random, dynamodb))],
    ['eventSource', rarely(random, '"aws:dynamodb"', ['"aws:kinesis"', '"aws:dynamodb "', '7'])],
  ]
  return members(shuffledAtTimes(random, record))
}

type Member = readonly [name: string, json: string]

const members = (list: readonly Member[]): string => `{${list.map(([name, json]) => `"${name}":${json}`).join(',')}}`

function entriesOf(json: string): Member[] {
  return json === '{}' ? [] : [['id', '{"N":"7"}']]
}

const rarely = (random: Random, usual: string, odd: readonly string[]): string =>
  random.chance(RARE) ? random.pick(odd) : usual

/** At times in another order, without one, or with one of them twice. */
function shuffledAtTimes(random: Random, list: readonly Member[]): Member[] {
  const shuffled = random.chance(0.3) ? list.toSorted(() => random.below(3) - 1) : [...list]
  if (random.chance(RARE)) shuffled.splice(random.below(shuffled.length), 1)
  if (random.chance(5 * RARE)) shuffled.splice(random.below(shuffled.length + 1), 0, random.pick([...list, ...TWICE]))
  return shuffled
}

/** What a member may say that comes a second time. */
const TWICE: readonly Member[] = [
  ['dynamodb', '{"Keys":{"id":{"N":"8"}}}'],
  ['dynamodb', 'null'],
  ['Keys', '{"id":{"N":"8"}}'],
  ['NewImage', '{}'],
  ['NewImage', 'null'],
  ['tableName', '"others"'],
]

function keyOf(random: Random): Member[] {
  const value = (): string =>
    random.pick([
      () => `{"S":${plainToken(random)}}`,
      () => `{"N":"${numberText(random)}"}`,
      () => `{"B":"${binaryText(random)}"}`,
    ])()
  const names = random.chance(0.5) ? ['id'] : ['b', 'a']
  if (random.chance(RARE)) return []
  return names.map((name): Member => [name, rarely(random, value(), ['{"BOOL":true}', '{"S":null}', '{}', '"x"'])])
}

function timeOf(random: Random): string {
  const digits = String(random.below(1_000_000)).padStart(6, '0')
  const usual = random.chance(0.7) ? `1754300${digits}${digits.slice(0, 3)}` : `1754300${digits}`
  return rarely(random, usual, [
    '1754300000',
    '1754300000.5',
    '1.7543e12',
    '"1754300000112"',
    '0',
    '-1',
    '9007199254740993',
    '1300000000000',
  ])
}

function identityOf(random: Random, name: string): string {
  if (name !== 'REMOVE' || random.chance(0.7)) return rarely(random, 'null', ['{}', '"x"', '[1]', 'true'])
  return random.pick([
    '{"type":"Service","principalId":"dynamodb.amazonaws.com"}',
    '{"principalId":"dynamodb.amazonaws.com","type":"Service"}',
    '{"Type":"Service","PrincipalId":"dynamodb.amazonaws.com"}',
    '{"type":"User","principalId":"dynamodb.amazonaws.com"}',
    '{"type":"Service","principalId":"dynamodb.amazonaws.com.example"}',
    '{"x":"type Service principalId dynamodb.amazonaws.com"}',
  ])
}

function attributes(random: Random, depth: number): Member[] {
  return Array.from({ length: random.below(depth === 0 ? 7 : 3) }, () => [nameText(random), described(random, depth)])
}

/** Between quotes; escapes of every kind, rarely. */
const nameText = (random: Random): string =>
  rarely(random, random.pick(['status', 'note', 'S', 'N', 'NULL', '__proto__', 'größe', '10', '2', 'a b', '中']), [
    '\\\\',
    '\\"',
    '\\u0041',
    '\\/',
    '\\n',
    '\\u0000',
    '\\ud83d\\ude00',
    'a\\u4e2d',
    '',
    // Other spellings of usual ones.
    '\\u0053',
    'not\\u0065',
  ])

function described(random: Random, depth: number): string {
  if (random.chance(RARE)) return random.pick(ODD_VALUES)
  switch (random.below(depth > 3 ? 6 : 30)) {
    case 0:
    case 1:
      return `{"S":${textToken(random)}}`
    case 2:
      return `{"N":"${numberText(random)}"}`
    case 3:
      return random.pick(['{"BOOL":true}', '{"BOOL":false}'])
    case 4:
      return '{"NULL":true}'
    case 5:
      return `{"B":"${binaryText(random)}"}`
    case 6:
    case 11:
    case 12:
      return `{"M":${members(attributes(random, depth + 1))}}`
    case 7:
    case 13:
    case 14:
      return `{"L":[${list(random, 4, () => described(random, depth + 1))}]}`
    case 8:
    case 15:
      return `{"SS":[${list(random, 4, () => plainToken(random))}]}`
    case 9:
    case 16:
      return `{"NS":[${list(random, 4, () => `"${numberText(random)}"`)}]}`
    case 10:
      return `{"BS":[${list(random, 3, () => `"${binaryText(random)}"`)}]}`
    default:
      return `{"N":"${numberText(random)}"}`
  }
}

const list = (random: Random, limit: number, member: () => string): string =>
  Array.from({ length: random.below(limit) }, member).join(',')

const ODD_VALUES = [
  '{"S":null}',
  '{"N":7}',
  '{"NULL":false}',
  '{"BOOL":"true"}',
  '{"S":"a","N":null}',
  '{"S":"a","N":"1"}',
  '{}',
  '{"X":"a"}',
  'null',
  '"a"',
  '{"M":[]}',
  '{"L":{}}',
  '{"SS":"a"}',
  '{"NULL":true,"S":"a"}',
  `${'{"L":['.repeat(40)}${']}'.repeat(40)}`,
]

/** With its quotes; mostly without escapes. */
const plainToken = (random: Random): string =>
  random.chance(RARE) ? textToken(random) : `"${random.pick(PLAIN)}${random.below(100)}"`

const PLAIN = ['a', 'größe ', '中', '🚲', 'x y', '']

/** With its quotes. */
function textToken(random: Random): string {
  const pieces = Array.from({ length: random.below(5) }, () =>
    random.chance(RARE) ? random.pick(ODD_TEXTS) : random.pick(TEXTS),
  )
  return `"${pieces.join('')}"`
}

const TEXTS = [
  'a',
  'Leave it at number 7',
  'größe',
  '中文',
  '🚲',
  '\\"',
  '\\\\',
  '\\n',
  '\\/',
  '\\u00e9',
  '\\u001f',
  '}',
  '"'.replace('"', '\\"'),
]
const ODD_TEXTS = [
  '\\u0000',
  '\\ud83d',
  '\\ude00',
  '\\ud83d\\ude00',
  '\\u12',
  '\\x',
  '\t',
  '\u0000',
  '"',
  '\\',
  '\\ud83d\\u0041',
]

const numberText = (random: Random): string =>
  rarely(
    random,
    random.pick([
      () => String(random.below(1_000_000) - 500_000),
      () => `${random.below(1000)}.${random.below(1000)}5`,
      () => `0.${'0'.repeat(random.below(20))}7`,
      () => `${1 + random.below(9)}${String(random.below(1e9)).padStart(9, '0').repeat(random.below(5))}`,
    ])(),
    ['-0', '01', '1.0', '1e5', '+1', '', '.5', '5.', 'NaN', '1.50', '-', '--1', '0.0', '1E-7', '9'.repeat(39)],
  )

const binaryText = (random: Random): string => {
  const once = Buffer.from(Array.from({ length: random.below(7) }, () => random.below(256))).toString('base64')
  return rarely(random, Buffer.from(once).toString('base64'), [once, 'YQ', 'YR==', '====', 'a b='])
}

function spoiled(random: Random, bytes: Buffer): Buffer {
  const at = random.below(bytes.length)
  const rest = bytes.subarray(at)
  switch (random.below(5)) {
    case 0:
      return Buffer.concat([bytes.subarray(0, at), Buffer.from([random.below(256)]), rest.subarray(1)])
    case 1:
      return Buffer.concat([bytes.subarray(0, at), rest.subarray(1 + random.below(3))])
    case 2:
      return Buffer.concat([
        bytes.subarray(0, at),
        Buffer.from(random.pick([' ', '\n', '"', ',', '}', '\\', '0', '-'])),
        rest,
      ])
    case 3:
      return Buffer.concat([bytes.subarray(0, at), rest.subarray(0, 1 + random.below(20)), rest])
    default:
      return Buffer.concat([bytes, Buffer.from(random.pick([' ', '\n', '}', '{}', ',']))])
  }
}
