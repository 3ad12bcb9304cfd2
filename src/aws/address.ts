import { parameterProblems } from '../server-url.ts'
import type { AwsOptions } from './client-settings.ts'

/** A stream or table as the operator names it, and how AWS is reached for it alone. */
export interface AwsAddress {
  readonly name: string
  readonly parameters: URLSearchParams
}

export const regionProblem = (text: string): string | null =>
  /^[a-z\d]+(-[a-z\d]+)*$/.test(text) ? null : 'is not the name of a region, such as eu-north-1'
export const roleProblem = (text: string): string | null => (text.startsWith('arn:') ? null : 'must be an ARN')
export const endpointProblem = (text: string): string | null =>
  /^https?:$/.test(URL.parse(text)?.protocol ?? '') ? null : 'must be an http:// or https:// URL'

/** A setting of AWS: an option of the command line, and a parameter of an address. */
export type AwsSetting = 'region' | 'profile' | 'role-arn' | 'external-id' | 'endpoint-url'

/** What is wrong with the value of each parameter there is; null if nothing. */
const PARAMETERS: Readonly<Record<AwsSetting, (value: string) => string | null>> = {
  region: regionProblem,
  profile: () => null,
  'role-arn': (value) => (value === '' ? null : roleProblem(value)),
  'external-id': () => null,
  'endpoint-url': endpointProblem,
}
/** They belong together: whose keys, for which role. */
const OF_CREDENTIALS: readonly AwsSetting[] = ['profile', 'role-arn', 'external-id']
const SETTINGS = Object.keys(PARAMETERS) as AwsSetting[]

/** @param address `orders-cdc?region=eu-north-1&role-arn=arn:aws:iam::111122223333:role/reader`, or the name alone */
export function awsAddress(address: string): AwsAddress {
  const at = address.indexOf('?')
  return at < 0
    ? { name: address, parameters: new URLSearchParams() }
    : { name: address.slice(0, at), parameters: new URLSearchParams(address.slice(at + 1)) }
}

export function awsAddressProblems({ parameters }: AwsAddress): string[] {
  const wrong = [...parameters].flatMap(([name, value]) => {
    const problem = isSetting(name) ? PARAMETERS[name](value) : null
    return problem === null ? [] : [`${name} ${problem}`]
  })
  const lacksRole = parameters.get('external-id') && !parameters.get('role-arn')
  return [
    ...parameterProblems(parameters, SETTINGS),
    ...wrong,
    ...(lacksRole ? ['external-id needs role-arn beside it'] : []),
  ]
}

/**
 * How AWS is reached for an address: by what it says itself, else by `common`. Credentials go together: an address with a profile, a
 * role or an external id takes none of these from `common`, and an empty `role-arn=` stands for no role.
 */
export function awsOptionsFor({ parameters }: AwsAddress, common: AwsOptions): AwsOptions {
  const own = (name: AwsSetting): string | undefined => parameters.get(name) || undefined
  const credentials = hasCredentials(parameters)
    ? { profile: own('profile'), roleArn: own('role-arn'), externalId: own('external-id') }
    : {}
  return {
    ...common,
    ...credentials,
    region: own('region') ?? common.region,
    endpointUrl: own('endpoint-url') ?? common.endpointUrl,
  }
}

/** What an address takes from the settings for all, since it does not say it itself. */
export function commonSettings({ parameters }: AwsAddress): AwsSetting[] {
  return SETTINGS.filter((name) =>
    OF_CREDENTIALS.includes(name) ? !hasCredentials(parameters) : !parameters.has(name),
  )
}

const isSetting = (name: string): name is AwsSetting => Object.hasOwn(PARAMETERS, name)

const hasCredentials = (parameters: URLSearchParams): boolean => OF_CREDENTIALS.some((name) => parameters.has(name))
