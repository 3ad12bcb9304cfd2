import { createHash } from 'node:crypto'
import type { RawRecord } from '../../change.ts'
import { firstByteOf } from '../../page-record.ts'

/*
 * A record of the Kinesis Producer Library that holds several:
 *
 *   F3 89 9A C2 | protobuf message AggregatedRecord | MD5 of that message (16 bytes)
 *
 *   AggregatedRecord  1 partition_key_table, repeated string
 *                     2 explicit_hash_key_table, repeated string
 *                     3 records, repeated Record
 *   Record            1 partition_key_index, required uint64
 *                     2 explicit_hash_key_index, optional uint64
 *                     3 data, required bytes
 *                     4 tags, repeated Tag
 *
 * Described in aggregation-format.md of github.com/awslabs/amazon-kinesis-producer.
 */
const MAGIC = Buffer.from([0xf3, 0x89, 0x9a, 0xc2])
const DIGEST_BYTES = 16
const RECORDS_FIELD = 3
const KEY_INDEX_FIELD = 1
const DATA_FIELD = 3

/**
 * The records inside an aggregated record, with sequence number and arrival time of the outer one. Any other record, and
 * one that only looks aggregated (checksum or layout wrong), comes back as it is.
 */
export function openAggregated(record: RawRecord): readonly RawRecord[] {
  return opened(record) ?? [record]
}

/** As `openAggregated`; null for any other record. */
export function opened(record: RawRecord): readonly RawRecord[] | null {
  if (firstByteOf(record) !== MAGIC[0]) return null
  const { shard, sequence, arrivedAt, origin, data } = record
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
  if (bytes.length < MAGIC.length + DIGEST_BYTES || !bytes.subarray(0, MAGIC.length).equals(MAGIC)) return null

  const body = bytes.subarray(MAGIC.length, -DIGEST_BYTES)
  if (!createHash('md5').update(body).digest().equals(bytes.subarray(-DIGEST_BYTES))) return null
  const payloads = payloadsOf(body)
  if (payloads === null) return null
  const outer = { shard, sequence, arrivedAt, ...(origin === undefined ? {} : { origin }) }
  return payloads.map((data, subSequence) => ({ ...outer, subSequence, data }))
}

/** The data of each Record of an AggregatedRecord; null if it is not one. */
function payloadsOf(body: Buffer): Buffer[] | null {
  const fields = fieldsOf(body)
  if (fields === null) return null
  const payloads: Buffer[] = []
  for (const field of fields) {
    if (field.number !== RECORDS_FIELD) continue
    const data = field.bytes === null ? null : dataOf(field.bytes)
    if (data === null) return null
    payloads.push(data)
  }
  return payloads
}

function dataOf(record: Buffer): Buffer | null {
  const fields = fieldsOf(record) ?? []
  const hasKeyIndex = fields.some((field) => field.number === KEY_INDEX_FIELD && field.bytes === null)
  const data = fields.findLast((field) => field.number === DATA_FIELD)
  return hasKeyIndex ? (data?.bytes ?? null) : null
}

interface Field {
  readonly number: number
  /** What a length-delimited field holds; null for the numeric kinds. */
  readonly bytes: Buffer | null
  /** Where the next field begins. */
  readonly end: number
}

/** The fields of a protobuf message, in order; null where the bytes are no such message. */
function fieldsOf(message: Buffer): Field[] | null {
  const fields: Field[] = []
  for (let at = 0; at < message.length; ) {
    const field = fieldAt(message, at)
    if (field === null || field.end > message.length) return null
    fields.push(field)
    at = field.end
  }
  return fields
}

function fieldAt(message: Buffer, start: number): Field | null {
  const tag = varint(message, start)
  if (tag === null) return null
  const number = Math.floor(tag.value / 8)
  switch (tag.value % 8) {
    case 0: {
      const value = varint(message, tag.end)
      return value && { number, bytes: null, end: value.end }
    }
    case 1:
      return { number, bytes: null, end: tag.end + 8 }
    case 2: {
      const length = varint(message, tag.end)
      if (length === null) return null
      const end = length.end + length.value
      return { number, bytes: message.subarray(length.end, end), end }
    }
    case 5:
      return { number, bytes: null, end: tag.end + 4 }
    default:
      return null
  }
}

/** A base-128 number and where it ends; null if the message ends first. Exact up to 2^53, far beyond any length. */
function varint(message: Buffer, start: number): { readonly value: number; readonly end: number } | null {
  let value = 0
  for (let at = start, weight = 1; at < message.length && at < start + 10; at++, weight *= 128) {
    const byte = message[at]!
    value += (byte & 127) * weight
    if (byte < 128) return { value, end: at + 1 }
  }
  return null
}
