/** What an error of the SDK or the network means, whatever the service. */
export type AwsFailure = 'throttled' | 'unreachable' | 'denied' | 'not found' | 'no region' | 'refused'

/** By the name of the error, as the API references of Kinesis and DynamoDB list them, and the common errors of AWS. */
const BY_NAME: Readonly<Record<string, AwsFailure>> = {
  ProvisionedThroughputExceededException: 'throttled',
  LimitExceededException: 'throttled',
  KMSThrottlingException: 'throttled',
  ThrottlingException: 'throttled',
  Throttling: 'throttled',
  RequestLimitExceeded: 'throttled',
  TooManyRequestsException: 'throttled',

  ResourceInUseException: 'unreachable',
  InternalFailure: 'unreachable',
  InternalFailureException: 'unreachable',
  InternalServerError: 'unreachable',
  ServiceUnavailable: 'unreachable',
  ServiceUnavailableException: 'unreachable',
  // Another region of a global table, or a transaction, writes the same item: it passes.
  ReplicatedWriteConflictException: 'unreachable',
  TransactionConflictException: 'unreachable',
  TimeoutError: 'unreachable',
  RequestTimeout: 'unreachable',
  // The answer was cut short, or came from something else than the service.
  SyntaxError: 'unreachable',

  ResourceNotFoundException: 'not found',

  AccessDenied: 'denied',
  AccessDeniedException: 'denied',
  NotAuthorized: 'denied',
  KMSAccessDeniedException: 'denied',
  KMSDisabledException: 'denied',
  KMSInvalidStateException: 'denied',
  KMSNotFoundException: 'denied',
  KMSOptInRequired: 'denied',
  OptInRequired: 'denied',
  ExpiredToken: 'denied',
  ExpiredTokenException: 'denied',
  UnrecognizedClientException: 'denied',
  InvalidClientTokenId: 'denied',
  InvalidSignatureException: 'denied',
  SignatureDoesNotMatch: 'denied',
  IncompleteSignature: 'denied',
  IncompleteSignatureException: 'denied',
  MissingAuthenticationToken: 'denied',
  MissingAuthenticationTokenException: 'denied',
  CredentialsProviderError: 'denied',
  TokenProviderError: 'denied',
}

/** What of an SDK error we look at. */
interface Foreign {
  readonly name?: string
  readonly message?: string
  readonly code?: unknown
  readonly $metadata?: { readonly httpStatusCode?: number; readonly clockSkewCorrected?: boolean }
}

export function classify(error: unknown): AwsFailure {
  const { name = '', message = '', code, $metadata } = error as Foreign
  // The SDK has just learned the service's time: the same request, signed again, is right.
  if ($metadata?.clockSkewCorrected) return 'unreachable'
  const known = Object.hasOwn(BY_NAME, name) ? BY_NAME[name] : undefined
  if (known !== undefined) return known
  if (message.startsWith('Region is missing')) return 'no region'
  const status = $metadata?.httpStatusCode
  if (status === 429) return 'throttled'
  if (status !== undefined && (status >= 500 || status === 408)) return 'unreachable'
  if (status === 401 || status === 403) return 'denied'
  return isNetworkCode(code) ? 'unreachable' : 'refused'
}

/** `ECONNRESET`, `ENOTFOUND`, `EPROTO`, `CERT_HAS_EXPIRED` and their like, not Node's own `ERR_INVALID_ARG_TYPE`. */
const isNetworkCode = (code: unknown): boolean =>
  typeof code === 'string' && /^E(?!RR_)|CERT|SSL|TLS|SOCKET/.test(code) && !OF_FILES.has(code)

/** Of a file that credentials are read from: waiting makes none. */
export const OF_FILES: ReadonlySet<string> = new Set(['ENOENT', 'EACCES', 'EPERM', 'EISDIR', 'ENOTDIR'])

/** The error in one line: its name and its first words. */
export function wordsOf(error: unknown): string {
  const { name, message, code } = error as Foreign
  const words = (message ?? '').split('\n')[0]!.replace(/\.+\s*$/, '')
  const label = name === undefined || name === 'Error' ? String(code ?? 'Error') : name
  return words === '' || words === label ? label : `${label}: ${words}`
}

/** The error itself, where it may be kept: a refused signature comes with what was signed, a session token perhaps. */
export function causeOf(error: unknown): unknown {
  return /Signature/.test((error as Foreign).name ?? '') ? undefined : error
}
