import { z } from 'zod'
import type { RawRecord } from '../change.ts'
import { parseJson } from '../parse-json.ts'
import type { Line } from './file-lines.ts'

/** A file has one shard. */
export const FILE_SHARD = 'file'

/**
 * The record that a line holds. Its position is the byte offset behind the line; where the line tells the shard and
 * sequence number that the record had in a stream, they are its `origin`.
 *
 * Beside the record as it stands in a stream, these are understood, each as one line:
 * - the record with one more member, `"kinesis": { "shardId", "sequenceNumber", … }`, which decoders do not mind
 * - an event record of AWS Lambda: `{ "kinesis": { "data": "<base64>", … }, "eventID": "<shard>:<sequence>" }`
 * - a record of the AWS CLI's `get-records`: `{ "Data": "<base64>", "SequenceNumber", … }`
 *
 * Anything else is the record itself: what is wrong with it is the decoder's to say.
 *
 * @see AWS Lambda Developer Guide, "Using Lambda to process records from Amazon Kinesis Data Streams"
 * @see AWS CLI Command Reference, kinesis get-records
 */
export function recordOfLine({ bytes, end }: Line): RawRecord {
  const bare: RawRecord = { shard: FILE_SHARD, sequence: String(end), arrivedAt: null, data: bytes }
  if (!MARKS.some((mark) => bytes.includes(mark))) return bare
  const json = parse(bytes)
  return { ...bare, ...(lambdaRecord(json) ?? cliRecord(json) ?? markedRecord(json)) }
}

/** One of these stands in every line that wraps a record. Looking for them is cheaper than parsing each line twice. */
const MARKS = ['"kinesis"', '"Data"']

/** Undefined for what is not JSON: then it is the decoder that refuses the line. */
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

const LAMBDA = z.object({
  eventID: z.string(),
  kinesis: z.object({ data: z.base64(), sequenceNumber: SEQUENCE, approximateArrivalTimestamp: ARRIVAL }),
})

function lambdaRecord(json: unknown): Unwrapped | undefined {
  const { data } = LAMBDA.safeParse(json)
  if (data === undefined) return undefined
  const { eventID, kinesis } = data
  return {
    data: Buffer.from(kinesis.data, 'base64'),
    arrivedAt: epochMs(kinesis.approximateArrivalTimestamp),
    origin: { shard: eventID.split(':')[0]!, sequence: kinesis.sequenceNumber },
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
