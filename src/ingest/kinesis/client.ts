import { KinesisClient } from '@aws-sdk/client-kinesis'
import { type AwsOptions, clientSettings, watchDates } from '../../aws/client-settings.ts'
import { ServiceClock } from '../../aws/service-clock.ts'
import { RelayError } from '../../errors.ts'
import { regionOf, type StreamName, streamNameOf } from './stream-name.ts'

export interface ClientOptions extends AwsOptions {
  /** Name or ARN. */
  readonly stream: string
}

/** A way to the service, and its clock. */
export interface Connection {
  readonly client: KinesisClient
  readonly clock: ServiceClock
  readonly stream: StreamName
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
    throw new RelayError('CONFIGURATION', `The stream is in ${regionOf(stream.arn)}, but --region is ${region}`, {
      stream: stream.arn,
    })
  }
  const { profile } = options
  const ofChain = new KinesisClient(profile === undefined ? {} : { profile }).config
  const { settings, isPlainHttp } = clientSettings({ ...options, region }, ofChain)
  const client = new KinesisClient(settings)
  const clock = new ServiceClock()
  // It copies every record for a log that nobody reads.
  client.middlewareStack.remove('loggerMiddleware')
  watchDates(client, clock)
  return { client, clock, stream, isPlainHttp }
}
