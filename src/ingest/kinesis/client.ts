import { KinesisClient } from '@aws-sdk/client-kinesis'
import { type AwsOptions, clientSettings, watchDates, watchEndpoint } from '../../aws/client-settings.ts'
import { ServiceClock } from '../../aws/service-clock.ts'
import { type ErrorContext, RelayError } from '../../errors.ts'
import { BufferPool } from '../buffer-pool.ts'
import { readRecordsAsBytes } from './records-as-bytes.ts'
import { regionOf, type StreamName, streamNameOf } from './stream-name.ts'

export interface ClientOptions extends AwsOptions {
  /** Name or ARN. */
  readonly stream: string
}

/** A way to the service, and its clock. */
export interface Connection {
  readonly client: KinesisClient
  readonly clock: ServiceClock
  /** Where answers to GetRecords lie. */
  readonly pool: BufferPool
  readonly stream: StreamName
  /** What it was made with, for words about a login that fails. */
  readonly options: AwsOptions
  /** Region, account and endpoint, as far as they are known: where a stream was looked for. */
  whereabouts(): Promise<ErrorContext>
  /** True for an emulator: what AWS offers is always https. */
  isPlainHttp(): Promise<boolean>
}

/**
 * The SDK's client with our settings: its own default for Kinesis opens a TLS connection for every request, and fails on
 * emulators.
 *
 * A region that is not given is the one of the ARN. A request with an ARN goes to a host of the account
 * (`ACCOUNT.data-kinesis.REGION.amazonaws.com`), one with a name to `kinesis.REGION.amazonaws.com`; with an endpoint of
 * our own, both go there.
 *
 * @throws RelayError CONFIGURATION
 */
export function connect(options: ClientOptions): Connection {
  const stream = streamNameOf(options.stream)
  const region = options.region ?? (stream.arn === null ? undefined : regionOf(stream.arn))
  if (stream.arn !== null && region !== regionOf(stream.arn)) {
    throw new RelayError(
      'CONFIGURATION',
      `The stream is in ${regionOf(stream.arn)}, but the region given is ${region}`,
      {
        stream: stream.arn,
      },
    )
  }
  const { profile } = options
  const ofChain = new KinesisClient(profile === undefined ? {} : { profile }).config
  const { settings, isPlainHttp } = clientSettings({ ...options, region }, ofChain)
  const client = new KinesisClient(settings)
  const pool = new BufferPool()
  readRecordsAsBytes(client, pool)
  const clock = new ServiceClock()
  // It copies every record for a log that nobody reads.
  client.middlewareStack.remove('loggerMiddleware')
  watchDates(client, clock)
  const endpoint = watchEndpoint(client)
  return {
    client,
    clock,
    pool,
    stream,
    options,
    async whereabouts() {
      const account = stream.arn?.split(':')[4]
      const asked = endpoint()
      return {
        region: await client.config.region(),
        ...(account === undefined ? {} : { account }),
        ...(asked === null ? {} : { endpoint: asked }),
      }
    },
    isPlainHttp,
  }
}
