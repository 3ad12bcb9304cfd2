import { type Random, seededRandom } from '../support/life/random.ts'

/**
 * Records of DMS as bytes, some of them spoiled: by rare spellings, members that are missing, doubled or in another order, and bytes
 * that are changed, lost or doubled. About half of them are as the service writes them, on one line or on many.
 */
export function* mutatedDmsRecords(seed: number, count: number): Generator<Uint8Array, void, void> {
  const random = seededRandom(seed)
  const tables = Array.from({ length: 12 }, () => tableOf(random))
  for (let i = 0; i < count; i++) {
    const bytes = Buffer.from(recordText(random, random.pick(tables)))
    yield random.chance(0.2) ? spoiled(random, bytes) : bytes
  }
}

interface Table {
  readonly schema: string
  readonly name: string
  readonly columns: readonly string[]
}

type Member = readonly [name: string, json: string]

/** Few are rare: a record has many chances to hold one. */
const RARE = 0.004

const rarely = (random: Random, usual: string, odd: readonly string[]): string =>
  random.chance(RARE) ? random.pick(odd) : usual

function tableOf(random: Random): Table {
  const names = new Set(Array.from({ length: 1 + random.below(6) }, () => random.pick(NAMES)))
  return {
    schema: random.pick(['shop', 'Größe', 'a.b']),
    name: random.pick(['orders', 'order_lines', '中', 'awsdms', 'x y']),
    columns: ['id', ...[...names].filter((name) => name !== 'id')],
  }
}

const NAMES = [
  'id',
  'status',
  'note',
  '__proto__',
  'größe',
  '10',
  '2',
  'a b',
  '中',
  '_doc',
  'BI_status',
  'BI_id',
  'toString',
]
const ODD_NAMES = ['\\\\', '\\"', '\\u0069d', '\\n', '\\u0000', '\\ud83d\\ude00', '', 'id']

function recordText(random: Random, table: Table): string {
  const operation = random.pick(['insert', 'update', 'update', 'delete', 'load'])
  const separator = random.pick([',', ',', ', ', ',\n\t'])
  const colon = separator === ',' ? ':' : ': '
  const open = separator === ',\n\t' ? '{\n\t' : '{'
  const close = separator === ',\n\t' ? '\n}' : '}'
  const members = (list: readonly Member[]): string =>
    list.length === 0
      ? '{}'
      : `${open}${list.map(([name, json]) => `"${name}"${colon}${json}`).join(separator)}${close}`

  const columns = random.chance(0.7) ? table.columns : table.columns.filter(() => random.chance(0.7))
  const data = members(columnsOf(random, columns))
  const old = members(columnsOf(random, random.chance(0.5) ? [] : table.columns.filter(() => random.chance(0.4))))
  const record: Member[] = [['data', rarely(random, data, ['null', '[]', '{}', '7', '{"_doc":{"id":1}}'])]]
  if (operation === 'update' || operation === 'delete' || random.chance(RARE))
    if (random.chance(0.7)) record.push(['before-image', rarely(random, old, ['null', '[]', '7', '{"id":null}'])])
  record.push(['metadata', members(shuffledAtTimes(random, metadataOf(random, table, operation)))])
  if (random.chance(RARE)) record.push(random.pick(OTHERS))
  const end = random.pick(['', '\n', ' \r\n', '\t'])
  return members(shuffledAtTimes(random, record)) + end
}

const OTHERS: readonly Member[] = [
  ['control', '{}'],
  ['before', '{"id":7}'],
  ['note', '"x"'],
  ['numbers', '[1,2]'],
  ['data', '{"id":8}'],
  ['before-image', '{"id":8}'],
  ['eventSource', '"aws:dynamodb"'],
]

function columnsOf(random: Random, names: readonly string[]): Member[] {
  const columns = names.map((name): Member => [rarely(random, name, ODD_NAMES), tokenOfColumn(random)])
  if (random.chance(RARE) && columns.length > 0) columns.push([random.pick(names), tokenOfColumn(random)])
  return columns
}

function tokenOfColumn(random: Random): string {
  if (random.chance(RARE)) return random.pick(ODD_VALUES)
  // So long that a log may leave it out where it did not change.
  if (random.chance(0.03)) return `"${'long '.repeat(200 + random.below(10))}"`
  switch (random.below(9)) {
    case 0:
      return 'null'
    case 1:
      return random.pick(['true', 'false', '""', '"true"'])
    case 2:
      return `"2026-0${1 + random.below(9)}-${10 + random.below(19)}T09:15:0${random.below(9)}.${random.below(999_999)}Z"`
    case 3:
      return `"0x${random.hex(8).toLowerCase()}"`
    case 4:
      return textToken(random)
    case 5:
      return `${random.below(2000) - 1000}.${random.below(1000)}`
    case 6:
      return `"{\\"a\\": [1.${random.below(100)}, null]}"`
    default:
      return String(random.below(2_000_000) - 1_000_000)
  }
}

const ODD_VALUES = [
  '{}',
  '[]',
  '{"a":1}',
  '-0',
  '-0.0',
  '0.50',
  '1.0',
  '01',
  '1.',
  '.5',
  '+1',
  '1e3',
  '1E-7',
  '1.2345678901234e+18',
  '12345678901234567890',
  '0.12345678901234567890',
  '-9007199254740993',
  'NaN',
  'nul',
  'tru',
]

function textToken(random: Random): string {
  const pieces = Array.from({ length: random.below(5) }, () =>
    random.chance(RARE) ? random.pick(ODD_TEXTS) : random.pick(TEXTS),
  )
  return `"${pieces.join('')}"`
}

const TEXTS = ['a', 'at number 7', 'größe', '中文', '🚲', '\\"', '\\\\', '\\n', '\\/', '\\u00e9', '}', ':', ',']
const ODD_TEXTS = ['\\u0000', '\\ud83d', '\\ude00', '\\ud83d\\ude00', '\\u12', '\\x', '\t', '\u0000', '"', '\\']

function metadataOf(random: Random, { schema, name }: Table, operation: string): Member[] {
  const time = `2026-11-0${1 + random.below(9)}T08:00:${String(random.below(60)).padStart(2, '0')}`
  const stamp = `"${time}.${String(random.below(1_000_000)).padStart(6, '0')}Z"`
  const metadata: Member[] = [
    ['timestamp', rarely(random, stamp, TIMES)],
    ['record-type', rarely(random, '"data"', ['"control"', 'null', '"dat"', '"data "'])],
    ['operation', rarely(random, `"${operation}"`, ['"insert "', '"create-table"', 'null', '"up\\u0064ate"', '7'])],
    ['partition-key-type', '"primary-key"'],
    ['schema-name', rarely(random, `"${schema}"`, ['""', 'null', '7', '"a\\tb"'])],
    [
      'table-name',
      rarely(random, `"${name}"`, ['""', 'null', '"awsdms_status"', '"AWSDMS_apply_exceptions"', '"a\\nb"']),
    ],
  ]
  if (operation === 'load' || random.chance(0.1)) return metadata
  return [
    ...metadata,
    [
      'transaction-id',
      rarely(random, String(random.below(1e9)), ['"77"', 'null', '""', '12345678901234567890', 'true', '{}']),
    ],
    ['transaction-record-id', rarely(random, '1', ['null', '"1"', '1.5', '[]'])],
    ['prev-transaction-id', rarely(random, '7', ['null', '{"a":1}', '1.5'])],
    ['commit-timestamp', rarely(random, stamp, [...TIMES, 'null', '""'])],
    ['stream-position', rarely(random, '"0000000A/1C004330.2"', ['null', '7', 'false', '"\\n"'])],
  ]
}

const TIMES = [
  '"2026-11-02T08:00:00Z"',
  '"2026-11-02T08:00:00.1Z"',
  '"2026-11-02T08:00:00.123456789Z"',
  '"2026-11-02T08:00:00.1234567890Z"',
  '"2026-02-30T08:00:00Z"',
  '"2026-02-29T08:00:00.5Z"',
  '"2028-02-29T08:00:00.5Z"',
  '"2026-11-02T24:00:00Z"',
  '"2026-11-02T23:59:60Z"',
  '"2026-11-02 08:00:00Z"',
  '"2026-11-02T08:00:00.123456"',
  '"2015-11-02T08:00:00Z"',
  '"2026-11-02T08:00:00.Z"',
  '1762070400',
  '{}',
  '77',
]

/** At times in another order, without one, or with one of them twice. */
function shuffledAtTimes(random: Random, list: readonly Member[]): Member[] {
  const shuffled = random.chance(0.3) ? list.toSorted(() => random.below(3) - 1) : [...list]
  if (random.chance(RARE)) shuffled.splice(random.below(shuffled.length), 1)
  if (random.chance(5 * RARE)) shuffled.splice(random.below(shuffled.length + 1), 0, random.pick(list))
  return shuffled
}

function spoiled(random: Random, bytes: Buffer): Buffer {
  const at = random.below(bytes.length)
  switch (random.below(3)) {
    case 0: {
      const changed = Buffer.from(bytes)
      changed[at] = random.pick([...Buffer.from('"\\{}[]:, 0-.eE\n'), random.below(256)])
      return changed
    }
    case 1:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)])
    default:
      return Buffer.concat([bytes.subarray(0, at + 1), bytes.subarray(at)])
  }
}
