import {
  createCredentialChain,
  fromEnv,
  fromIni,
  fromNodeProviderChain,
  fromTemporaryCredentials,
} from '@aws-sdk/credential-providers'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import type { Env } from '../env.ts'
import { RelayError } from '../errors.ts'
import type { ServiceClock } from './service-clock.ts'

/** How a service of AWS is reached: the options of the AWS CLI. What is not given comes from the SDK's own chain. */
export interface AwsOptions {
  readonly region?: string | undefined
  readonly profile?: string | undefined
  readonly roleArn?: string | undefined
  readonly externalId?: string | undefined
  readonly endpointUrl?: string | undefined
  /** Where AWS_DEFAULT_REGION is looked for, which the SDK does not read, and what messages speak of. */
  readonly env?: Env | undefined
}

/** What the chain of environment and profiles says for one service: the `config` of a client that was given only the profile. */
export interface ChainConfig {
  readonly region: () => Promise<string>
  readonly serviceConfiguredEndpoint?: (() => Promise<string | undefined>) | undefined
}

/** For an emulator where nothing else is configured: it does not look at them. */
const EMULATOR_REGION = 'us-east-1'
const EMULATOR_CREDENTIALS = { accessKeyId: 'emulator', secretAccessKey: 'emulator' }

/** More than the shards that one process reads: a request that waits for a socket does so in silence. */
const MAX_SOCKETS = 1000
const CONNECTION_TIMEOUT_MS = 5000
/** An answer of 10 MiB takes seconds on a slow line; none takes this long without a byte. */
const ANSWER_TIMEOUT_MS = 30_000

/**
 * The settings of an SDK client, over one pool of HTTP/1.1 connections that are kept alive. It does not repeat requests:
 * our loops do, and know the pace.
 *
 * Endpoint, region and credentials that are not given come from the SDK's own chain (environment, profiles, roles).
 *
 * @throws RelayError CONFIGURATION
 */
export function clientSettings(options: AwsOptions, ofChain: ChainConfig) {
  const { region, profile, endpointUrl, env = {} } = options
  checkEndpoint('The endpoint', endpointUrl)
  for (const name of ENDPOINT_VARIABLES) checkEndpoint(`The endpoint of ${name}`, env[name] || undefined)
  /** True for an emulator: what AWS offers is always https. */
  const isPlainHttp = async (): Promise<boolean> => {
    const endpoint = endpointUrl ?? (await ofChain.serviceConfiguredEndpoint?.())
    return endpoint !== undefined && URL.parse(endpoint)?.protocol === 'http:'
  }
  const chosenRegion = async () => region ?? (await regionOfChain(ofChain.region, isPlainHttp, env))
  const settings = {
    maxAttempts: 1,
    requestHandler: pool(),
    credentials: credentials(options, chosenRegion, isPlainHttp),
    region: chosenRegion,
    ...(profile === undefined ? {} : { profile }),
    ...(endpointUrl === undefined ? {} : { endpoint: endpointUrl }),
  }
  return { settings, isPlainHttp }
}

/** What the SDK reads; of one that is no URL it says `UnknownError`. */
const ENDPOINT_VARIABLES = ['', '_KINESIS', '_DYNAMODB', '_STS'].map((service) => `AWS_ENDPOINT_URL${service}`)

function checkEndpoint(what: string, endpointUrl: string | undefined): void {
  if (endpointUrl === undefined || /^https?:$/.test(URL.parse(endpointUrl)?.protocol ?? '')) return
  throw new RelayError('CONFIGURATION', `${what} is not a URL that begins with https:// or http://`)
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

type Credentials = ReturnType<typeof fromNodeProviderChain>

function credentials(
  { profile, roleArn, externalId }: AwsOptions,
  region: () => Promise<string>,
  isPlainHttp: () => Promise<boolean>,
): Credentials {
  const named = profile === undefined ? {} : { profile }
  if (roleArn !== undefined) {
    return fromTemporaryCredentials({
      params: { RoleArn: roleArn, RoleSessionName: 'cdc-relay', ...(externalId && { ExternalId: externalId }) },
      masterCredentials: fromNodeProviderChain(named),
      clientConfig: { region },
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

/** As the AWS CLI has it: AWS_REGION, then AWS_DEFAULT_REGION, which the SDK does not look at, then the profile. */
async function regionOfChain(
  region: () => Promise<string>,
  isPlainHttp: () => Promise<boolean>,
  { AWS_REGION, AWS_DEFAULT_REGION }: Env,
): Promise<string> {
  if (!AWS_REGION && AWS_DEFAULT_REGION) return AWS_DEFAULT_REGION
  try {
    return await region()
  } catch (error) {
    if (await isPlainHttp()) return EMULATOR_REGION
    throw error
  }
}

/** What of an SDK client the clock needs; each client has its own types for the same stack. */
interface Watchable {
  readonly middlewareStack: {
    add(middleware: Middleware, options: { step: 'deserialize'; priority: 'low'; name: string }): void
  }
}
type Middleware = <In, Out extends { readonly response: unknown }>(
  next: (args: In) => Promise<Out>,
) => (args: In) => Promise<Out>

/** Where the last request went: `https://kinesis.eu-north-1.amazonaws.com`; null before the first one. */
export function watchEndpoint(client: Watchable): () => string | null {
  let endpoint: string | null = null
  client.middlewareStack.add(
    (next) => async (args) => {
      const { protocol, hostname, port } = (args as unknown as { readonly request: RequestTarget }).request
      endpoint = `${protocol}//${hostname}${port === undefined ? '' : `:${port}`}`
      return await next(args)
    },
    { step: 'deserialize', priority: 'low', name: 'endpoint' },
  )
  return () => endpoint
}

interface RequestTarget {
  readonly protocol: string
  readonly hostname: string
  readonly port?: number
}

/** Sets the clock by the Date header of every answer, refusals included. */
export function watchDates(client: Watchable, clock: ServiceClock): void {
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
