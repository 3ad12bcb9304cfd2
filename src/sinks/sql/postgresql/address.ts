import { RelayError } from '../../../errors.ts'
import { misreading, parameterProblems } from '../../../server-url.ts'

/** Where a PostgreSQL or Greenplum is, as node-postgres takes it. */
export interface PostgresAddress {
  /** Of `pg.ClientConfig`. Holds the password: never for messages. */
  readonly connectionString: string
  /** Of `pg.ClientConfig`: the startup options of the URL, and ours behind them, which hold. */
  readonly options: string
  /** Where tables go that name no schema; null: as the database says. */
  readonly schema: string | null
  /** Null: our own. */
  readonly connectTimeoutMs: number | null
}

/**
 * What node-postgres reads, and `schema` and `connect_timeout`, which it does not. Left out is what would make it read
 * answers otherwise: `client_encoding`, `binary`, `replication`.
 * https://node-postgres.com/apis/client
 */
const PARAMETERS = [
  'schema',
  'user',
  'password',
  'host',
  'port',
  'sslmode',
  'sslrootcert',
  'sslcert',
  'sslkey',
  'sslnegotiation',
  'ssl',
  'uselibpqcompat',
  'application_name',
  'options',
  'connect_timeout',
  'statement_timeout',
  'lock_timeout',
  'idle_in_transaction_session_timeout',
  'query_timeout',
]
const TLS_MODES = ['disable', 'prefer', 'require', 'verify-ca', 'verify-full', 'no-verify']
/** Parameters that name files. */
export const TLS_FILES = ['sslrootcert', 'sslcert', 'sslkey']
const TIMES = PARAMETERS.filter((name) => name.endsWith('_timeout'))
/** Times of a source without zone are read as UTC. */
const OWN_OPTIONS = '-c TimeZone=UTC'
const FORM = 'postgresql://USER@HOST:PORT/DATABASE'

/**
 * Reads `postgresql://[user[:password]@]host[:port]/database[?…]`, and `greenplum://` likewise.
 *
 * @param unknown parameters that have no meaning here although they are among those known
 * @throws RelayError CONFIGURATION with every problem; never shows the password
 */
export function postgresAddress(url: string, unknown: readonly string[] = []): PostgresAddress {
  const { parsed, problems } = read(
    url,
    PARAMETERS.filter((name) => !unknown.includes(name)),
  )
  if (problems.length > 0) throw new RelayError('CONFIGURATION', `The URL of the target: ${problems.join('; ')}`)
  const { searchParams } = parsed!
  const taken = (name: string): string | null => {
    const value = searchParams.get(name)
    searchParams.delete(name)
    return value || null
  }
  const schema = taken('schema')
  const options = taken('options')
  const seconds = taken('connect_timeout')
  return {
    connectionString: parsed!.href,
    options: options === null ? OWN_OPTIONS : `${options} ${OWN_OPTIONS}`,
    schema,
    connectTimeoutMs: seconds === null ? null : Number(seconds) * 1000,
  }
}

function read(url: string, known: readonly string[]): { parsed: URL | null; problems: readonly string[] } {
  const misread = misreading(url)
  if (misread !== null) return { parsed: null, problems: [`it ${misread}`] }
  const parsed = URL.parse(url.replace(/^greenplum:/i, 'postgresql:'))
  // Neither the URL nor the reason why it cannot be read is shown: both hold the password.
  if (parsed === null || !/^postgres(ql)?:\/\//i.test(parsed.href)) {
    return { parsed: null, problems: [`it is not a URL: ${FORM}`] }
  }
  return { parsed, problems: [...loginProblems(parsed), ...hostProblems(parsed), ...parametersProblems(parsed, known)] }
}

function loginProblems({ username, password, pathname }: URL): string[] {
  const named = { user: username, password, database: pathname }
  return Object.entries(named)
    .filter(([, text]) => !isPercentEncoded(text))
    .map(([what]) => `it has a % in its ${what} that begins no escape: a % itself is written %25`)
}

function isPercentEncoded(text: string): boolean {
  try {
    decodeURIComponent(text)
    return true
  } catch {
    return false
  }
}

function hostProblems({ hostname }: URL): string[] {
  return hostname.includes(',') ? ['it names several hosts; the relay takes one, that of the primary'] : []
}

function parametersProblems({ searchParams }: URL, known: readonly string[]): string[] {
  const problems = parameterProblems(searchParams, known)
  const mode = searchParams.get('sslmode')
  if (mode !== null && !TLS_MODES.includes(mode)) problems.push(`sslmode is one of ${TLS_MODES.join(', ')}`)
  if (searchParams.get('uselibpqcompat') === 'true' && mode === 'verify-ca' && !searchParams.get('sslrootcert')) {
    problems.push('sslmode=verify-ca with uselibpqcompat=true needs sslrootcert')
  }
  for (const name of TIMES) {
    const time = searchParams.get(name)
    if (time !== null && !/^\d{1,9}$/.test(time)) {
      problems.push(`${name} is a whole number of ${name === 'connect_timeout' ? 'seconds' : 'milliseconds'}`)
    }
  }
  return problems
}
