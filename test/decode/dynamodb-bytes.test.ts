import { type Change, type RawRecord, toJson } from '../../src/change.ts'
import type { BytesRead } from '../../src/decode/bytes-change.ts'
import { recordDecoder } from '../../src/decode/decoder.ts'
import * as module from '../../src/decode/dynamodb-bytes.ts'
import { inPage } from '../support/in-page.ts'
import { describeReader } from './compared-reader.ts'
import { exactJson } from './exact-values.ts'
import { mutatedRecords } from './mutated-dynamodb.ts'

const asObjects = recordDecoder({ stream: 'orders', format: 'dynamodb' })

const record = (text: string | Uint8Array): RawRecord => ({
  shard: 'shardId-000000000000',
  sequence: '49600000000000000000000000000000000000000000000000000001',
  arrivedAt: 1_754_300_000_500,
  data: Buffer.from(text),
})

type Reader = Pick<module.DynamodbBytes, 'read' | keyof BytesRead>

/** What the bytes of the record say otherwise than its objects; null if nothing, undefined if they were not taken. */
function difference(reader: Reader, raw: RawRecord): string | null | undefined {
  try {
    if (!reader.read(raw)) return undefined
  } catch (error) {
    return `the reader throws ${error}`
  }
  let change: Change
  try {
    change = asObjects(raw)[0] as Change
  } catch (error) {
    return `the object decoder refuses it: ${error}`
  }
  const { op, table, key, version, isExpired, hasImage, jsonBytes, jsonStart, jsonEnd } = reader
  const ours = [op, table, key, version, isExpired || undefined, undefined]
  const theirs = [change.op, change.table, change.key, change.version, change.expired, change.oddNull]
  if (JSON.stringify(ours) !== JSON.stringify(theirs)) return `${JSON.stringify(ours)} is not ${JSON.stringify(theirs)}`
  if (!hasImage || change.after === null) return hasImage === (change.after !== null) ? null : 'only one has an image'
  const json = jsonBytes.toString('utf8', jsonStart, jsonEnd)
  return isSameJson(json, toJson(change.after)) ? null : `${json} is not ${toJson(change.after)}`
}

function isSameJson(one: string, other: string): boolean {
  if (one === other) return true
  // Of members of one name, which parsing makes one.
  if (quotesIn(one) !== quotesIn(other)) return false
  try {
    return JSON.stringify(exactJson(one)) === JSON.stringify(exactJson(other))
  } catch {
    return false
  }
}

/** Quotes that open or close a string. */
const quotesIn = (json: string): number => json.replaceAll(/\\./g, '').split('"').length

describeReader(module, {
  *records(seed, count) {
    let isAlone = false
    for (const bytes of mutatedRecords(seed, count)) {
      isAlone = !isAlone
      const alone = record(bytes)
      // What stands beside it would go on with it, if it could.
      yield isAlone ? alone : inPage(alone, '{"a":"\u00e9', '"}},"eventSource":"aws:dynamodb"}')
    }
  },
  difference,
  readerOf: ({ DynamodbBytes }) => new DynamodbBytes('double'),
  sources: ['decode/dynamodb-bytes.ts', 'decode/dynamodb-plain-json.ts', 'json-scanner.ts'],
  mistakes: [
    ['an escaped quote ends a text', 'at = escapeEnd(bytes, at) - 1', 'at += 0'],
    [
      'a digit is lost',
      'this.#copy(start + 1, end)\n    return end + 1',
      'this.#copy(start + 1, end - 1)\n    return end + 1',
    ],
    [
      'control characters pass',
      'if (byte < SPACE) return LEAVE\n      if (byte === BACKSLASH) {',
      'if (byte === BACKSLASH) {',
    ],
    [
      'eventSource is not looked at',
      'this.#isDynamodb = equals(bytes, start, end, AWS_DYNAMODB)',
      'this.#isDynamodb = true',
    ],
    ['a member may come twice', 'if ((seen & member) !== 0) return LEAVE', ''],
    ['a map may have a name twice', ' || !this.#isNew(firstName, at + 2, nameEnd, hasEscapes)', ''],
    [
      'names may hold escapes',
      'if (byte === BACKSLASH || byte < SPACE) return LEAVE',
      'if (byte < SPACE) return LEAVE',
    ],
    ['one name in two spellings is two', 'hasEscapes = true', 'hasEscapes = false'],
    [
      'zeros in front of a number pass',
      '(bytes[first] !== ZERO || (point === first + 1 && (isFraction || !isNegative))) &&',
      '',
    ],
    ['digits of a time are lost', 'this.version = microseconds', 'this.version = String(us - (us % 1000))'],
    [
      'what follows the record is not looked at',
      'if (this.members(this.start, RECORD_MEMBERS) !== this.end) return false',
      'if (this.members(this.start, RECORD_MEMBERS) === LEAVE) return false',
    ],
    ['sets keep the order of the record', 'members.sort(compare)', 'members'],
    [
      'a delete by anybody is one by time-to-live',
      "this.#identity = isTtl(bytes, at, end) ? 'ttl' : 'other'",
      "this.#identity = 'ttl'",
    ],
    ['what is no UTF-8 passes', 'if (isRead && !isUtf8Record(record))', 'if (false)'],
    [
      'the order of key attributes is that of the record',
      'isInOrder ? row : inOrder(row, Object.keys(row).sort())',
      'row',
    ],
  ],
})
