import { status } from '@grpc/grpc-js'
import { type ErrorContext, type FailureCode, RelayError } from '../../errors.ts'
import { knownWords } from './known-words.ts'

/** A key that no page of an index holds, a row that no page of the table does, or no message. */
const TOO_LARGE =
  /index row (size|requires)|row is too big|exceeds maximum \d+ for index|more than GPSS takes|larger than/i

/** True of a row that would be refused by any table: that there are many says nothing of this one. */
export const isTooLarge = ({ detail }: { readonly detail: string }): boolean => TOO_LARGE.test(detail)

/**
 * GPSS answers nearly every failure with INTERNAL; what it means only its words tell: those of Greenplum behind `pq: `
 * (the prefix of its driver), its own, or those of a network. The first line that fits holds.
 */
const BY_WORDS: readonly (readonly [RegExp, FailureCode])[] = [
  [
    /authentication failed|empty password|no pg_hba\.conf entry|not permitted to log in|\b(role|database|user) "[^"]*" does not exist/i,
    'SINK_LOGIN',
  ],
  [/permission denied|must be (owner|superuser)/i, 'SINK_DENIED'],
  [
    /terminating connection|database system is|in recovery|gang was lost|failed to acquire resources/i,
    'SINK_UNREACHABLE',
  ],
  [
    /dial tcp|no such host|connection (refused|reset)|i\/o timeout|bad connection|broken pipe|unexpected EOF/i,
    'SINK_UNREACHABLE',
  ],
  [/deadlock detected|lock timeout|could not (obtain lock|serialize)|canceling (statement|query)/i, 'SINK_BUSY'],
  [/too many (connections|clients)|connection slots|out of memory|no space left|resource (queue|group)/i, 'SINK_BUSY'],
  [
    /segment reject limit|violates .*constraint|invalid .*(syntax|sequence|value|input)|value too long/i,
    'SINK_REFUSED',
  ],
  [
    /out of range|numeric field overflow|unsupported unicode|malformed|missing data for|extra data after/i,
    'SINK_REFUSED',
  ],
  [TOO_LARGE, 'SINK_REFUSED'],
  // Texts of types that only Greenplum reads: xml, tsvector, tsquery, bit.
  [
    /invalid XML|syntax error in ts(vector|query)|not a valid (binary|hexadecimal) digit|bit string (length|too long)/i,
    'SINK_REFUSED',
  ],
  [
    /\b(relation|column|table|schema|type|function|operator|index|language|constraint|collation) .*does not exist/i,
    'SINK_TABLE',
  ],
  [/is of type .* but expression is of type|unique or exclusion constraint matching/i, 'SINK_TABLE'],
]

/**
 * Who may be at fault for a load that failed once it was open; null: no row.
 * - `row`: one of them, no question.
 * - `unknown`: one of them, if it fails alone, again, and it is not a lock that another load holds.
 * - `table`: one of them, if the table takes others.
 */
export type Blame = 'row' | 'unknown' | 'table'

export function blameOf({ code }: RelayError): Blame | null {
  switch (code) {
    case 'SINK_REFUSED':
      return 'row'
    case 'SINK_UNCLEAR':
      return 'unknown'
    case 'SINK_TABLE':
    case 'SINK_DENIED':
    case 'SINK_LOGIN':
      return 'table'
    default:
      return null
  }
}

const BY_STATUS: Readonly<Partial<Record<status, FailureCode>>> = {
  [status.UNAVAILABLE]: 'SINK_UNREACHABLE',
  [status.DEADLINE_EXCEEDED]: 'SINK_UNREACHABLE',
  [status.CANCELLED]: 'SINK_UNREACHABLE',
  [status.ABORTED]: 'SINK_BUSY',
  [status.RESOURCE_EXHAUSTED]: 'SINK_BUSY',
  [status.UNAUTHENTICATED]: 'SINK_LOGIN',
  [status.PERMISSION_DENIED]: 'SINK_DENIED',
}

/** How a call ended, as gRPC tells it. */
export interface Status {
  readonly code: status
  readonly details: string
}

/**
 * What a call failed with → ours, with the server's words but without values of rows.
 *
 * SINK_UNREACHABLE is also the meaning of what GPSS says in words that are not known and not Greenplum's: they can be
 * about the session (its words for one that it does not know are not documented), and a new one helps then. Unknown words
 * of Greenplum's are SINK_UNCLEAR: they can be about another load into the table, which ends.
 *
 * @param mask hides passwords, in what is shown only: a short one may be a part of the words that tell what it means
 */
export function gpssFailure(
  error: Status,
  method: string,
  place: ErrorContext,
  mask: (text: string) => string,
): RelayError {
  const words = withoutValues(error.details)
  const shown = isOfTransport(error)
    ? error.details.replace(NOTHING_RESOLVED, '')
    : (knownWords(error.details) ?? UNKNOWN)
  const said = `${method} failed with ${status[error.code]}: ${mask(shown)}`
  if (error.code === status.UNIMPLEMENTED) {
    const detail = `${said}: this is not the Batch Data API of GPSS (service api.Gpss). Check host and port: GPSS listens beside gpfdist, whose port is another`
    return new RelayError('SINK_FAILED', detail, place)
  }
  if (error.code === status.UNAVAILABLE && /certificate|SSL routines|wrong version number|altname/i.test(words)) {
    const detail = `${said}: the TLS connection was refused. Check tls, ca, cert and key, and that the certificate names the host`
    return new RelayError('SINK_FAILED', detail, place)
  }
  if (method === 'Connect' && error.code !== status.UNAVAILABLE && UNREACHED.test(words)) {
    const detail = `${said}: GPSS does not reach Greenplum. Check greenplum-host and greenplum-port, as GPSS sees them`
    return new RelayError('SINK_UNREACHABLE', detail, place)
  }
  const code = failureCode(error.code, error.details, words)
  // What the author of a trigger says of a row can be anything.
  if (code === 'SINK_UNCLEAR' && IS_WITH_ROWS.has(method)) {
    const detail = `${method} failed with ${status[error.code]}, in words of Greenplum's that are not known, and may hold values of a row`
    return new RelayError(code, detail, place, undefined, mask(error.details))
  }
  return new RelayError(code, said, place, undefined, mask(error.details))
}

const IS_WITH_ROWS: ReadonlySet<string> = new Set(['Write', 'Close'])

/** The words of grpc-js and of the network, which know nothing of rows. */
const isOfTransport = ({ code }: Status): boolean =>
  code === status.UNAVAILABLE ||
  code === status.DEADLINE_EXCEEDED ||
  code === status.CANCELLED ||
  code === status.UNIMPLEMENTED ||
  code === status.RESOURCE_EXHAUSTED

const UNKNOWN = 'in words that are not known'

/** What grpc-js ends some of its messages with. */
const NOTHING_RESOLVED = /\s*Resolution note:\s*$/
/** What a Go program says that cannot connect. */
const UNREACHED = /dial tcp|no such host|connection refused/i

function failureCode(code: status, details: string, words: string): FailureCode {
  // Smaller loads may pass, and if not, then it is one row.
  if (code === status.RESOURCE_EXHAUSTED && /larger than max/i.test(words)) return 'SINK_REFUSED'
  const byStatus = BY_STATUS[code]
  if (byStatus !== undefined) return byStatus
  for (const [pattern, meaning] of BY_WORDS) if (pattern.test(words)) return meaning
  return details.startsWith('pq: ') ? 'SINK_UNCLEAR' : 'SINK_UNREACHABLE'
}

/**
 * Messages about refused rows that came with the statistics of a load. What else may stand there is not documented, so
 * only those whose words are known are shown.
 */
export function refusalsIn(errorRows: readonly string[]): string[] {
  const known = errorRows
    .filter((words) => failureCode(status.INTERNAL, words, withoutValues(words)) === 'SINK_REFUSED')
    .flatMap((words) => knownWords(words) ?? [])
  return [...new Set(known)]
}

/** What DescribeTable says where there is no such table. Whether it does, or answers with no columns, is not documented. */
export const isMissingTable = ({ code, details }: Status): boolean =>
  code === status.NOT_FOUND ||
  /\b(relation|table)\b.*(does not exist|not found)|no such (relation|table)/is.test(details)

/** Nothing behind these words is about anything but the value of a row. */
const TAIL = /\b(DETAIL|CONTEXT|Key \(|Failing row)|: 0x/
/** What is quoted behind these words is a name; otherwise it can be a value, and may hold quotes itself. */
const NAMED =
  /\b(column|relation|table|schema|constraint|index|type|encoding|role|user|database|host|function|extension)\s$/i

/** Cuts what Greenplum quotes of a row: `invalid input syntax for type integer: "…"`. */
export function withoutValues(message: string): string {
  const words = message.slice(0, TAIL.exec(message)?.index ?? message.length).trimEnd()
  for (let from = 0; ; ) {
    const open = words.indexOf('"', from)
    if (open < 0) return words
    if (!NAMED.test(words.slice(0, open))) {
      return `${words.slice(0, open)}"…"${/"( is out of range for type [a-z ]+| is not a valid [a-z]+ digit)/.exec(words)?.[1] ?? ''}`
    }
    const close = words.indexOf('"', open + 1)
    if (close < 0) return `${words.slice(0, open)}"…"`
    from = close + 1
  }
}
