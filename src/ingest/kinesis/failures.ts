import { type FailureCode, type PlaceOfFailure, RelayError } from '../../errors.ts'

/** By the name of the error, as the Kinesis API reference lists them for each operation, and the common errors of AWS. */
const BY_NAME: Readonly<Record<string, FailureCode>> = {
  ProvisionedThroughputExceededException: 'SOURCE_THROTTLED',
  LimitExceededException: 'SOURCE_THROTTLED',
  KMSThrottlingException: 'SOURCE_THROTTLED',
  ThrottlingException: 'SOURCE_THROTTLED',
  Throttling: 'SOURCE_THROTTLED',
  RequestLimitExceeded: 'SOURCE_THROTTLED',
  TooManyRequestsException: 'SOURCE_THROTTLED',

  ResourceInUseException: 'SOURCE_UNREACHABLE',
  InternalFailure: 'SOURCE_UNREACHABLE',
  InternalFailureException: 'SOURCE_UNREACHABLE',
  ServiceUnavailable: 'SOURCE_UNREACHABLE',
  ServiceUnavailableException: 'SOURCE_UNREACHABLE',
  TimeoutError: 'SOURCE_UNREACHABLE',
  RequestTimeout: 'SOURCE_UNREACHABLE',
  // The answer was cut short, or came from something else than Kinesis.
  SyntaxError: 'SOURCE_UNREACHABLE',

  ResourceNotFoundException: 'SOURCE_NOT_FOUND',

  AccessDenied: 'SOURCE_DENIED',
  AccessDeniedException: 'SOURCE_DENIED',
  NotAuthorized: 'SOURCE_DENIED',
  KMSAccessDeniedException: 'SOURCE_DENIED',
  KMSDisabledException: 'SOURCE_DENIED',
  KMSInvalidStateException: 'SOURCE_DENIED',
  KMSNotFoundException: 'SOURCE_DENIED',
  KMSOptInRequired: 'SOURCE_DENIED',
  OptInRequired: 'SOURCE_DENIED',
  ExpiredToken: 'SOURCE_DENIED',
  ExpiredTokenException: 'SOURCE_DENIED',
  UnrecognizedClientException: 'SOURCE_DENIED',
  InvalidClientTokenId: 'SOURCE_DENIED',
  InvalidSignatureException: 'SOURCE_DENIED',
  SignatureDoesNotMatch: 'SOURCE_DENIED',
  IncompleteSignature: 'SOURCE_DENIED',
  IncompleteSignatureException: 'SOURCE_DENIED',
  MissingAuthenticationToken: 'SOURCE_DENIED',
  MissingAuthenticationTokenException: 'SOURCE_DENIED',
  CredentialsProviderError: 'SOURCE_DENIED',
  TokenProviderError: 'SOURCE_DENIED',
}

/** What of an SDK error we look at. */
interface Foreign {
  readonly name?: string
  readonly message?: string
  readonly code?: unknown
  readonly $metadata?: { readonly httpStatusCode?: number; readonly clockSkewCorrected?: boolean }
}

/** An error of the SDK or the network, as ours. What is ours already passes through. */
export function failureOf(error: unknown, place: PlaceOfFailure): RelayError {
  if (error instanceof RelayError) return error.at(place)
  const foreign = error as Foreign
  // A refused signature comes with what was signed, a session token perhaps: neither quoted nor kept.
  const isAboutSignature = /Signature/.test(foreign.name ?? '')
  return new RelayError(codeOf(foreign), detailOf(foreign), place, isAboutSignature ? undefined : error)
}

function codeOf({ name = '', message = '', code, $metadata }: Foreign): FailureCode {
  // The SDK has just learned the service's time: the same request, signed again, is right.
  if ($metadata?.clockSkewCorrected) return 'SOURCE_UNREACHABLE'
  const known = Object.hasOwn(BY_NAME, name) ? BY_NAME[name] : undefined
  if (known !== undefined) return known
  if (message.startsWith('Region is missing')) return 'CONFIGURATION'
  const status = $metadata?.httpStatusCode
  if (status === 429) return 'SOURCE_THROTTLED'
  if (status !== undefined && (status >= 500 || status === 408)) return 'SOURCE_UNREACHABLE'
  if (status === 401 || status === 403) return 'SOURCE_DENIED'
  return isNetworkCode(code) ? 'SOURCE_UNREACHABLE' : 'SOURCE_REFUSED'
}

/** `ECONNRESET`, `ENOTFOUND`, `EPROTO`, `CERT_HAS_EXPIRED` and their like, not Node's own `ERR_INVALID_ARG_TYPE`. */
const isNetworkCode = (code: unknown): boolean => typeof code === 'string' && /^E(?!RR_)|CERT|SSL|TLS|SOCKET/.test(code)

function detailOf({ name, message, code }: Foreign): string {
  const words = (message ?? '').split('\n')[0]!.replace(/\.+\s*$/, '')
  const label = name === undefined || name === 'Error' ? String(code ?? 'Error') : name
  return words === '' || words === label ? label : `${label}: ${words}`
}
