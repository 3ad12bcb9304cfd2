import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Change, type RawRecord, type Row, toJson } from '../../src/change.ts'
import { recordDecoder } from '../../src/decode/decoder.ts'
import * as module from '../../src/decode/dms-bytes.ts'
import { inPage } from '../support/in-page.ts'
import { anySeed } from '../support/life/random.ts'
import { describeReader } from './compared-reader.ts'
import { exactJson } from './exact-values.ts'
import { mutatedDmsRecords } from './mutated-dms.ts'

const asObjects = recordDecoder({ stream: 'feed', format: 'dms' })
const asBytes = recordDecoder({ stream: 'feed', format: 'dms', takesJson: () => true })

/** A record among others in the buffer of a page. */
function record(text: string | Uint8Array): RawRecord {
  const plain = {
    shard: 'shardId-000000000000',
    sequence: '49600000000000000000000000000000000000000000000000000001',
    arrivedAt: 1_754_300_000_500,
    data: Buffer.from(text),
  }
  return inPage(plain, '{"data":{"id":1},', ',"metadata":{}} ')
}

type Reader = Pick<module.DmsBytes, 'read'>

/** What the bytes of the record say otherwise than its objects; null if nothing, undefined if they were not taken. */
function difference(reader: Reader, raw: RawRecord): string | null | undefined {
  let read: ReturnType<Reader['read']>
  try {
    read = reader.read(raw)
  } catch (error) {
    return `the reader throws ${error}`
  }
  if (read === null) return undefined
  let change: Change
  try {
    const [item] = asObjects(raw)
    if (item!.kind !== 'change') return `it is a ${item!.kind}`
    change = item as Change
  } catch (error) {
    return `the object decoder refuses it: ${error}`
  }
  const { op, before, after } = change
  const { data, old } = read
  const version = read.microseconds - (op === 'load' ? 30_000_000 : 0)
  const isNullOrEmpty = (name: string): boolean => after?.[name] === null || after?.[name] === ''
  const names = [...new Set([...data.names, ...(old?.names ?? [])])]
  const keyPart = (name: string): unknown => {
    const part = partOf(old, name) ?? partOf(data, name)
    return part === null && op === 'delete' ? undefined : part
  }
  return firstDifference([
    [read.op, op],
    [read.table, change.table],
    [String(version), change.version],
    [change.inExponentForm, undefined],
    [change.unreadImage, undefined],
    op === 'delete' ? ['', ''] : [toJson(rowOf(data)), toJson(after)],
    op === 'update' ? [old !== null, before !== null] : ['', ''],
    op === 'update' && before !== null ? [toJson(rowOf(old!)), toJson(before)] : ['', ''],
    op === 'delete' ? ['', ''] : [read.hasNullOrEmpty, Object.keys(after!).some(isNullOrEmpty)],
    ...names.map((name): Pair => [toJson(keyPart(name) as never), toJson((before?.[name] ?? after?.[name]) as never)]),
    op === 'delete' || read.jsonEnd === 0 || spanText(read) === toJson(after)
      ? ['', '']
      : [plainText(read), plainJson(after!)],
  ])
}

type Pair = readonly [ours: unknown, theirs: unknown]

function firstDifference(pairs: readonly Pair[]): string | null {
  for (const [ours, theirs] of pairs) {
    if (JSON.stringify(ours) !== JSON.stringify(theirs))
      return `${JSON.stringify(ours)} is not ${JSON.stringify(theirs)}`
  }
  return null
}

type Image = NonNullable<ReturnType<Reader['read']>>['data']

function partOf(image: Image | null, name: string): unknown {
  const column = image === null ? -1 : image.names.indexOf(name)
  return column === -1 ? undefined : image!.value(column)
}

function rowOf(image: Image): Row {
  return Object.fromEntries(image.names.map((name, i) => [name, image.value(i)])) as Row
}

interface Span {
  readonly data: Image
  readonly jsonStart: number
  readonly jsonEnd: number
}

const spanText = ({ data, jsonStart, jsonEnd }: Span): string => data.bytes.toString('utf8', jsonStart, jsonEnd)

/** Of a row as JSON: its values, and the numbers as they are written. */
function plainText(span: Span): unknown {
  const { data } = span
  const tokens = data.names.map((_, i) => data.bytes.toString('utf8', data.start(i), data.end(i)))
  return [exactJson(spanText(span)), tokens.filter(isNumber).sort()]
}

const plainJson = (after: Row): unknown => [
  exactJson(toJson(after)),
  Object.values(after)
    .map((value) => toJson(value))
    .filter(isNumber)
    // A double may print a small number with an exponent.
    .map((token) =>
      token.replace(
        /^(-?)(\d)(?:\.(\d+))?e-(\d+)$/,
        (_, sign, whole, fraction = '', zeros) => `${sign}0.${'0'.repeat(Number(zeros) - 1)}${whole}${fraction}`,
      ),
    )
    .sort(),
]

const isNumber = (token: string): boolean => /^[-\d]/.test(token)

test('a change that was read as bytes says what one says that was read as objects', () => {
  const seed = anySeed()
  let taken = 0
  for (const bytes of mutatedDmsRecords(seed, 5000)) {
    const raw = record(bytes)
    const outcome = (decode: typeof asBytes): readonly [Change | null, string] => {
      try {
        const [change] = decode(raw)
        return [change as Change, JSON.stringify(change, [...MEMBERS])]
      } catch (error) {
        return [null, String(error)]
      }
    }
    const [change, ours] = outcome(asBytes)
    const [, theirs] = outcome(asObjects)
    if (change?.unread === undefined) assert.equal(ours, theirs, `seed ${seed}`)
    else {
      taken++
      assert.deepEqual(said(change), said(asObjects(raw)[0] as Change), `seed ${seed}: ${raw.data.toString()}`)
    }
  }
  assert.ok(taken > 1000, `seed ${seed}`)
})

const MEMBERS = ['kind', 'op', 'table', 'schema', 'name', 'key', 'complete', 'version', 'time', 'source'] as const

const said = ({
  kind,
  op,
  table,
  key,
  before,
  after,
  complete,
  version,
  time,
  transaction,
  source,
}: Change): unknown => [
  ...[kind, op, table, key, toJson(before), toJson(after), complete, version, time, transaction, source],
]

describeReader(module, {
  *records(seed, count) {
    for (const bytes of mutatedDmsRecords(seed, count)) yield record(bytes)
  },
  difference,
  readerOf: ({ DmsBytes }) => new DmsBytes('before-image'),
  sources: [
    ...['decode/dms-bytes.ts', 'decode/dms-columns.ts', 'decode/column-names.ts', 'decode/dms-time.ts'],
    ...['decode/image-tokens.ts', 'json-scanner.ts'],
  ],
  mistakes: [
    ['an escaped quote ends a text', 'at = escapeEnd(bytes, at) - 1', 'at += 0'],
    ['a member may come twice', 'if ((seen & member) !== 0) return LEAVE', ''],
    ['a column may come twice', 'if (new Set(tokens).size < tokens.length) return null', ''],
    [
      'the record-type is not looked at',
      'this.#isData = equals(this.bytes, at, at + DATA_TEXT.length, DATA_TEXT)',
      'this.#isData = true',
    ],
    ['zeros behind the point are plain', 'if (bytes[end - 1] === ZERO) this.isPlain = false', ''],
    ['a time is a microsecond later', 'microseconds: this.#microseconds', 'microseconds: this.#microseconds + 1'],
    [
      'the commit time is not looked at',
      'return Number.isNaN(this.#commitTimes.microseconds(bytes, at, end)) ? LEAVE : end',
      'return end',
    ],
    ['DMS is older than it is', 'if (!isPossible(this.#microseconds))', 'if (Number.isNaN(this.#microseconds))'],
    ["DMS's own tables pass", 'if (/^awsdms_/i.test(name)) return null', ''],
    ['an insert has old values', "if (old !== null && (op === 'insert' || op === 'load')) return null", ''],
    [
      'another image beside the row',
      'return this.bytes[at] === OPEN_BRACE ? LEAVE : this.skip(at, 1)',
      'return this.skip(at, 1)',
    ],
    ['what is no UTF-8 passes', 'if (read !== null && !isUtf8Record(record))', 'if (false)'],
    ['what follows the record is not looked at', 'this.behindBlank(end) === this.end', 'true'],
    [
      'the second stays',
      'if (!this.#isSecond(bytes, first)) this.#read(bytes, first, behind)',
      'if (Number.isNaN(this.#secondUs)) this.#read(bytes, first, behind)',
    ],
    ['digits of a time are lost', 'if (digits <= 6) fraction', 'if (digits <= 5) fraction'],
    ['an empty text is no null', 'if (end === start + EMPTY_LENGTH) this.hasNullOrEmpty = true', ''],
    [
      'a long number is a double',
      'const isSimple = (first === MINUS || isDigit(first)) && end - start <= MOST_SIMPLE',
      'const isSimple = first === MINUS || isDigit(first)',
    ],
  ],
})

test('a control record is none that could have been read as bytes', () => {
  const reasons: string[] = []
  const decode = recordDecoder({ stream: 'feed', takesJson: () => true, onReadAsObjects: (why) => reasons.push(why) })
  const metadata = `"timestamp":"2026-11-02T08:00:00.000001Z","schema-name":"shop","table-name":"orders"`
  decode(record(`{"control":{},"metadata":{"record-type":"control","operation":"drop-table",${metadata}}}`))
  assert.deepEqual(reasons, [])
  decode(record(`{"data":{"id":1e3},"metadata":{"record-type":"data","operation":"insert",${metadata}}}`))
  assert.deepEqual(reasons, ['exponent'])
})
