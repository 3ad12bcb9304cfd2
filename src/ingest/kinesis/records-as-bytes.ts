import { Readable } from 'node:stream'
import type { GetRecordsOutput, KinesisClient } from '@aws-sdk/client-kinesis'
import type { BufferPool } from '../buffer-pool.ts'
import { type RecordsAnswer, readRecordsBody } from './records-body.ts'

/** What the SDK calls for each answer, as far as it matters here. */
interface Protocol {
  deserializeResponse(operation: Operation, context: Context, response: Response): Promise<object>
}

interface Operation {
  readonly name?: string
}

interface Context {
  streamCollector(body: unknown): Promise<Uint8Array>
}

interface Response {
  readonly statusCode: number
  readonly headers: Readonly<Record<string, string>>
  body: unknown
}

/** An answer to GetRecords that was read as bytes. */
interface ReadAsBytes {
  readonly asBytes: RecordsAnswer
}

/**
 * Makes the client read answers to GetRecords as bytes: the SDK parses them, searches them by a regular expression, copies each
 * record and looks at it member by member. All else stays the SDK's: endpoints, credentials, signatures, errors, retries, other
 * requests, and answers to GetRecords that look otherwise. What was read so is given by `answerAsBytes`, and by nothing else.
 *
 * It takes the place of a method inside of the SDK: `test/ingest/kinesis/records-as-bytes.test.ts` says if an update moves that.
 *
 * @param pool has the buffers of the answers; who uses an answer gives its `buffer` back
 */
export function readRecordsAsBytes(client: KinesisClient, pool: BufferPool): void {
  const protocol = client.config.protocol as unknown as Protocol
  const readAny = protocol.deserializeResponse.bind(protocol)
  protocol.deserializeResponse = async (operation, context, response) => {
    if (operation.name !== 'GetRecords' || response.statusCode !== 200) return readAny(operation, context, response)
    const { body, length, isOurs } = await bodyOf(response, context, pool)
    const asBytes = readRecordsBody(body, length, (bytes) => pool.take(bytes))
    if (asBytes !== null) {
      if (isOurs) pool.giveBack(body)
      return { asBytes, $metadata: { httpStatusCode: response.statusCode } } satisfies ReadAsBytes & {
        $metadata: object
      }
    }
    response.body = body.subarray(0, length)
    return readAny(operation, context, response)
  }
}

/** What the client read as bytes; null where the SDK read the answer. */
export function answerAsBytes(output: GetRecordsOutput): RecordsAnswer | null {
  return (output as Partial<ReadAsBytes>).asBytes ?? null
}

/** `body[0, length)` */
interface Body {
  readonly body: Buffer
  readonly length: number
  /** True if it is one of the pool. */
  readonly isOurs: boolean
}

/** The body in one buffer: where its length is known, its pieces are copied as they come, instead of being kept until the last one. */
async function bodyOf(response: Response, context: Context, pool: BufferPool): Promise<Body> {
  const length = Number(response.headers['content-length'])
  if (!(response.body instanceof Readable) || !(length >= 0 && length <= MOST_BODY_BYTES)) {
    const collected = await context.streamCollector(response.body)
    const body = Buffer.from(collected.buffer, collected.byteOffset, collected.byteLength)
    return { body, length: body.length, isOurs: false }
  }
  const body = pool.take(length)
  let read = 0
  for await (const piece of response.body as AsyncIterable<Uint8Array>) {
    body.set(piece, read)
    read += piece.byteLength
  }
  return { body, length: read, isOurs: true }
}

/** 10 MiB of data are less than 14 of base64. */
const MOST_BODY_BYTES = 32 * 1024 * 1024
