import { loadSharedConfigFiles } from '@smithy/core/config'
import type { Env } from '../env.ts'
import { type ErrorContext, RelayError } from '../errors.ts'
import type { AwsOptions } from './client-settings.ts'
import { causeOf, OF_FILES, wordsOf } from './failures.ts'

/** By the name of the error: what AWS has against the credentials, not against what they may do. */
const REFUSED: Readonly<Record<string, string>> = {
  ExpiredToken: 'The AWS token is expired',
  ExpiredTokenException: 'The AWS token is expired',
  RequestExpired: 'The AWS token is expired',
  UnrecognizedClientException: 'AWS does not know the access key, or the session token that goes with it',
  InvalidClientTokenId: 'AWS does not know the access key, or the session token that goes with it',
  InvalidSignatureException: 'The AWS secret key is not the one of the access key',
  SignatureDoesNotMatch: 'The AWS secret key is not the one of the access key',
  MissingAuthenticationToken: 'AWS got no credentials',
  MissingAuthenticationTokenException: 'AWS got no credentials',
}

/** "Signature expired: 20261130T… is now earlier than …": InvalidSignatureException, too. */
const WRONG_TIME = 'AWS takes the requests for too old or too new: the clock of this machine is wrong'

/**
 * What is wrong with region, profile or credentials, in words that say where they are looked for; any other error as it came. The
 * SDK says `Could not load credentials from any providers` for all of it.
 */
export async function signInFailure(error: unknown, options: AwsOptions, place: ErrorContext): Promise<unknown> {
  if (!(error instanceof Error) || error instanceof RelayError) return error
  const { name, message } = error
  const isOfTime = /^Signature (expired|not yet current)/.test(message)
  const refused = isOfTime ? WRONG_TIME : Object.hasOwn(REFUSED, name) ? REFUSED[name] : undefined
  // The SDK has just learned the service's time: the same request, signed again, is right.
  const isClock = (error as { $metadata?: { clockSkewCorrected?: boolean } }).$metadata?.clockSkewCorrected === true
  if (refused !== undefined && !isClock) return new RelayError('AWS_CREDENTIALS', refused, place, causeOf(error))
  const { code } = error as NodeJS.ErrnoException
  if (code !== undefined && OF_FILES.has(code)) {
    return new RelayError('AWS_CREDENTIALS', `A file of the AWS credentials cannot be read: ${message}`, place, error)
  }
  if (message.startsWith('Region not accepted')) return new RelayError('CONFIGURATION', message, place)
  const isRegion = message.startsWith('Region is missing')
  if (!isRegion && name !== 'CredentialsProviderError' && name !== 'TokenProviderError') return error

  const { env = {} } = options
  const files = filesOf(env)
  const profile = options.profile ?? (env.AWS_PROFILE || undefined)
  const profiles = await namesOfProfiles()
  if (profile !== undefined && !profiles.includes(profile)) {
    const there = profiles.length === 0 ? 'which hold none' : `which hold ${profiles.join(', ')}`
    const detail = `There is no AWS profile ${profile} in ${files.join(' and ')}, ${there}`
    return new RelayError('CONFIGURATION', detail, place)
  }
  if (isRegion) {
    const ofProfile = profile === undefined ? 'a profile with a region' : `a region in the profile ${profile}`
    const detail = `No AWS region is known: there is no --region, AWS_REGION, AWS_DEFAULT_REGION or ${ofProfile}`
    return new RelayError('CONFIGURATION', detail, place)
  }
  return new RelayError('AWS_CREDENTIALS', missingCredentials(wordsOf(error), profile, files), place, error)
}

function missingCredentials(words: string, profile: string | undefined, files: readonly string[]): string {
  if (!/Could not load credentials from any providers/.test(words)) return words
  return profile === undefined
    ? `No AWS credentials were found: not in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, ${files.join(' or ')}, nor from the container or machine that this runs on`
    : `The AWS profile ${profile} leads to no credentials: it names none, or the profile, command or role that it names gives none`
}

const filesOf = (env: Env): string[] => [
  env.AWS_CONFIG_FILE || '~/.aws/config',
  env.AWS_SHARED_CREDENTIALS_FILE || '~/.aws/credentials',
]

/** Names alone: the values are keys. */
async function namesOfProfiles(): Promise<string[]> {
  const { configFile, credentialsFile } = await loadSharedConfigFiles()
  return [...new Set([...Object.keys(configFile), ...Object.keys(credentialsFile)])].filter(
    (name) => !/^(sso-session|services)\./.test(name),
  )
}
