import type { KinesisClient } from '@aws-sdk/client-kinesis'
import { readRecordsBody } from './records-body.ts'

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
  body: unknown
}

/**
 * Makes the client read answers to GetRecords as bytes: the SDK parses them, searches them by a regular expression, copies each
 * record and looks at it member by member. All else stays the SDK's: endpoints, credentials, signatures, errors, retries, other
 * requests, and answers to GetRecords that look otherwise.
 *
 * It takes the place of a method inside of the SDK: `test/ingest/kinesis/records-as-bytes.test.ts` says if an update moves that.
 */
export function readRecordsAsBytes(client: KinesisClient): void {
  const protocol = client.config.protocol as unknown as Protocol
  const readAny = protocol.deserializeResponse.bind(protocol)
  protocol.deserializeResponse = async (operation, context, response) => {
    if (operation.name !== 'GetRecords' || response.statusCode !== 200) return readAny(operation, context, response)
    const body = await context.streamCollector(response.body)
    const answer = readRecordsBody(body)
    if (answer !== null) return { ...answer, $metadata: { httpStatusCode: response.statusCode } }
    response.body = body
    return readAny(operation, context, response)
  }
}
