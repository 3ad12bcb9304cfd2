import * as z from 'zod'
import type { RawRecord } from '../../change.ts'
import { parseJson } from '../../parse-json.ts'
import type { FileValue } from './values.ts'

/** A file has one shard. */
export const FILE_SHARD = 'file'

/**
 * The record that a value of a file holds. Its position is the byte offset behind the value; where the value tells the
 * shard and sequence number that the record had in a stream, they are its `origin`.
 *
 * Beside the record as it stands in a stream, these are understood:
 * - the record with one more member, `"kinesis": { "shardId", "sequenceNumber", … }`, which decoders do not mind
 * - an event record of AWS Lambda: `{ "kinesis": { "data": "<base64>", … }, "eventID": "<shard>:<sequence>" }`
 * - the same without the member `kinesis` around its members, as EventBridge Pipes sends it
 * - a record of the AWS CLI's `get-records`: `{ "Data": "<base64>", "SequenceNumber", … }`
 *
 * Anything else is the record itself: what is wrong with it is the decoder's to say.
 *
 * @see AWS Lambda Developer Guide, "Using Lambda to process records from Amazon Kinesis Data Streams"
 * @see Amazon EventBridge User Guide, "Amazon Kinesis stream as a source", event data
 * @see AWS CLI Command Reference, kinesis get-records
 */
export function recordOfValue({ bytes, end }: FileValue): RawRecord {
  const bare: RawRecord = { shard: FILE_SHARD, sequence: String(end), arrivedAt: null, data: bytes }
  if (!MARKS.some((mark) => bytes.includes(mark))) return bare
  const json = parse(bytes)
  return { ...bare, ...(lambdaRecord(json) ?? pipesRecord(json) ?? cliRecord(json) ?? markedRecord(json)) }
}

/** One of these stands in every value that wraps a record. Looking for them is cheaper than parsing each value twice. */
const MARKS = ['"kinesis"', '"Data"', '"aws:kinesis"']

/** Undefined for what is not JSON: then it is the decoder that refuses the value. */
function parse(bytes: Buffer): unknown {
  try {
    return parseJson(bytes.toString())
  } catch {
    return undefined
  }
}

type Unwrapped = Pick<RawRecord, 'arrivedAt' | 'origin'> & Partial<Pick<RawRecord, 'data'>>

/** A sequence number is never a JSON number: its digits would be lost. */
const SEQUENCE = z.string().regex(/^\d+$/)
const ARRIVAL = z.union([z.number(), z.iso.datetime({ offset: true })]).optional()

const EVENT = z.object({ data: z.base64(), sequenceNumber: SEQUENCE, approximateArrivalTimestamp: ARRIVAL })
const LAMBDA = z.object({ eventID: z.string(), kinesis: EVENT })
const PIPES = EVENT.extend({ eventID: z.string(), eventSource: z.literal('aws:kinesis') })

function lambdaRecord(json: unknown): Unwrapped | undefined {
  const { data } = LAMBDA.safeParse(json)
  return data && recordOfEvent(data.eventID, data.kinesis)
}

function pipesRecord(json: unknown): Unwrapped | undefined {
  const { data } = PIPES.safeParse(json)
  return data && recordOfEvent(data.eventID, data)
}

function recordOfEvent(eventId: string, event: z.infer<typeof EVENT>): Unwrapped {
  return {
    data: Buffer.from(event.data, 'base64'),
    arrivedAt: epochMs(event.approximateArrivalTimestamp),
    origin: { shard: eventId.split(':')[0]!, sequence: event.sequenceNumber },
  }
}

const CLI = z.object({ Data: z.base64(), SequenceNumber: SEQUENCE, ApproximateArrivalTimestamp: ARRIVAL })

/** Which shard was read is not in the answer. */
function cliRecord(json: unknown): Unwrapped | undefined {
  const { data } = CLI.safeParse(json)
  if (data === undefined) return undefined
  return {
    data: Buffer.from(data.Data, 'base64'),
    arrivedAt: epochMs(data.ApproximateArrivalTimestamp),
    origin: { shard: FILE_SHARD, sequence: data.SequenceNumber },
  }
}

const MARKED = z.object({
  kinesis: z.object({
    shardId: z.string().optional(),
    shard: z.string().optional(),
    sequenceNumber: SEQUENCE.optional(),
    sequence: SEQUENCE.optional(),
    approximateArrivalTimestamp: ARRIVAL,
  }),
})

function markedRecord(json: unknown): Unwrapped | undefined {
  const { data } = MARKED.safeParse(json)
  const { shardId, shard = shardId, sequenceNumber, sequence = sequenceNumber } = data?.kinesis ?? {}
  if (data === undefined || shard === undefined || sequence === undefined) return undefined
  return { arrivedAt: epochMs(data.kinesis.approximateArrivalTimestamp), origin: { shard, sequence } }
}

/** Lambda and older CLIs give seconds with a fraction, others milliseconds, newer CLIs ISO text. */
function epochMs(time: number | string | undefined): number | null {
  if (time === undefined) return null
  if (typeof time === 'string') return Date.parse(time)
  return Math.round(time < 1e11 ? time * 1000 : time)
}
