import { KinesisClient, type KinesisClientConfig } from '@aws-sdk/client-kinesis'
import {
  createCredentialChain,
  fromEnv,
  fromIni,
  fromNodeProviderChain,
  fromTemporaryCredentials,
} from '@aws-sdk/credential-providers'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import { RelayError } from '../../errors.ts'
import { ServiceClock } from './service-clock.ts'

export interface ClientOptions {
  /** Name or ARN. */
  readonly stream: string
  readonly region?: string | undefined
  readonly profile?: string | undefined
  readonly roleArn?: string | undefined
  readonly externalId?: string | undefined
  readonly endpointUrl?: string | undefined
}

/** A way to the service, and its clock. */
export interface Connection {
  readonly client: KinesisClient
  readonly clock: ServiceClock
  readonly stream: StreamName
  /** True for an emulator: what AWS offers is always https. */
  isPlainHttp(): Promise<boolean>
}

export interface StreamName {
  readonly name: string
  /** Null if only the name was given. */
  readonly arn: string | null
}

/** What an emulator is told where nothing else is configured: it does not look. */
const EMULATOR_REGION = 'us-east-1'
const EMULATOR_CREDENTIALS = { accessKeyId: 'emulator', secretAccessKey: 'emulator' }

/** More than the shards that one process reads: a request that waits for a socket does so in silence. */
const MAX_SOCKETS = 1000
const CONNECTION_TIMEOUT_MS = 5000
/** An answer of 10 MiB takes seconds on a slow line; none takes this long without a byte. */
const ANSWER_TIMEOUT_MS = 30_000

/**
 * The SDK's client, over one pool of HTTP/1.1 connections that are kept alive: the SDK's default for Kinesis opens a TLS
 * connection for every request, and fails on emulators. It does not repeat requests: our loops do, and know the pace.
 *
 * Endpoint, region and credentials that are not given come from the SDK's own chain (environment, profiles, roles). A
 * request with an ARN goes to a host of the account (`ACCOUNT.data-kinesis.REGION.amazonaws.com`), one with a name to
 * `kinesis.REGION.amazonaws.com`; with an endpoint of our own, both go there.
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
  checkEndpoint(options.endpointUrl)

  const { profile, endpointUrl } = options
  const ofChain = new KinesisClient(profile === undefined ? {} : { profile }).config
  const isPlainHttp = async (): Promise<boolean> => {
    const endpoint = endpointUrl ?? (await ofChain.serviceConfiguredEndpoint?.())
    return endpoint !== undefined && URL.parse(endpoint)?.protocol === 'http:'
  }
  const client = new KinesisClient({
    maxAttempts: 1,
    requestHandler: pool(),
    credentials: credentials(options, region, isPlainHttp),
    region: async () => region ?? (await regionOfChain(ofChain.region, isPlainHttp)),
    ...(profile === undefined ? {} : { profile }),
    ...(endpointUrl === undefined ? {} : { endpoint: endpointUrl }),
  })
  const clock = new ServiceClock()
  // It copies every record for a log that nobody reads.
  client.middlewareStack.remove('loggerMiddleware')
  watchDates(client, clock)
  return { client, clock, stream, isPlainHttp }
}

/** @throws RelayError CONFIGURATION */
export function streamNameOf(text: string): StreamName {
  if (/^[a-zA-Z0-9_.-]{1,128}$/.test(text)) return { name: text, arn: null }
  const arn = /^arn:[^:]+:kinesis:[a-z0-9-]+:\d{12}:stream\/([a-zA-Z0-9_.-]{1,128})$/.exec(text)
  if (arn === null) {
    throw new RelayError('CONFIGURATION', `"${text}" is neither the name nor the ARN of a Kinesis stream`)
  }
  return { name: arn[1]!, arn: text }
}

const regionOf = (arn: string): string => arn.split(':')[3]!

function checkEndpoint(endpointUrl: string | undefined): void {
  if (endpointUrl === undefined || /^https?:$/.test(URL.parse(endpointUrl)?.protocol ?? '')) return
  throw new RelayError('CONFIGURATION', 'The endpoint is not a URL that begins with https:// or http://')
}

function pool(): NodeHttpHandler {
  const agent = { keepAlive: true, maxSockets: MAX_SOCKETS }
  return new NodeHttpHandler({
    httpAgent: agent,
    httpsAgent: agent,
    connectionTimeout: CONNECTION_TIMEOUT_MS,
    requestTimeout: ANSWER_TIMEOUT_MS,
    // Without this the handler only writes a warning.
    throwOnRequestTimeout: true,
    socketTimeout: ANSWER_TIMEOUT_MS,
  })
}

type Credentials = NonNullable<KinesisClientConfig['credentials']>

function credentials(
  { profile, roleArn, externalId }: ClientOptions,
  region: string | undefined,
  isPlainHttp: () => Promise<boolean>,
): Credentials {
  const named = profile === undefined ? {} : { profile }
  if (roleArn !== undefined) {
    return fromTemporaryCredentials({
      params: { RoleArn: roleArn, RoleSessionName: 'cdc-relay', ...(externalId && { ExternalId: externalId }) },
      masterCredentials: fromNodeProviderChain(named),
      ...(region === undefined ? {} : { clientConfig: { region } }),
    })
  }
  const ofChain = fromNodeProviderChain(named)
  // Not the whole chain: asking a machine's metadata service takes seconds where there is none.
  const ofEmulator =
    profile === undefined
      ? createCredentialChain(fromEnv(), fromIni(), async () => EMULATOR_CREDENTIALS)
      : fromIni(named)
  return async (properties) => ((await isPlainHttp()) ? ofEmulator(properties) : ofChain(properties))
}

async function regionOfChain(region: () => Promise<string>, isPlainHttp: () => Promise<boolean>): Promise<string> {
  try {
    return await region()
  } catch (error) {
    if (await isPlainHttp()) return EMULATOR_REGION
    throw error
  }
}

/** Sets the clock by the Date header of every answer, refusals included. */
function watchDates(client: KinesisClient, clock: ServiceClock): void {
  client.middlewareStack.add(
    (next) => async (args) => {
      const sent = clock.reading()
      const result = await next(args)
      const { headers } = result.response as { readonly headers: { readonly date?: string } }
      if (headers.date !== undefined) clock.learn(headers.date, sent, clock.reading())
      return result
    },
    { step: 'deserialize', priority: 'low', name: 'serviceClock' },
  )
}
