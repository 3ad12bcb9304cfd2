import { RelayError } from '../../errors.ts'
import { misreading, parameterProblems } from '../../server-url.ts'

/** Where GPSS is, and to which database it loads. */
export interface GpssAddress {
  /** `HOST:PORT` of GPSS. */
  readonly target: string
  /** Null: without TLS. */
  readonly tls: TlsFiles | null
  readonly greenplum: { readonly host: string; readonly port: number; readonly database: string; readonly user: string }
  readonly password: Password
  /** Where tables go that name no schema. */
  readonly schema: string
  /** Where GPSS makes its external tables; empty: in the schema of the target table. */
  readonly stagingSchema: string
  /** After this long without a call GPSS may end a session. Until then it keeps the locks of a process that was killed. */
  readonly sessionTimeoutSeconds: number
  /** How long a call may take. */
  readonly deadlineMs: number
}

export interface TlsFiles {
  /** Null: the authorities that Node.js trusts. */
  readonly ca: string | null
  /** Our own certificate and its key, where the server asks for one. */
  readonly own: { readonly cert: string; readonly key: string } | null
}

/** A file is read at each login, so that a password can be changed while the relay runs. */
export type Password = { readonly text: string } | { readonly file: string }

const DEFAULTS = { gpssPort: 5000, greenplumPort: 5432, schema: 'public', deadline: 120 } as const
const PARAMETERS = [
  'greenplum-host',
  'greenplum-port',
  'user',
  'password',
  'password-file',
  'schema',
  'staging-schema',
  'tls',
  'ca',
  'cert',
  'key',
  'session-timeout',
  'deadline',
]
const FORM = 'gpss://USER@GPSSHOST:PORT/DATABASE?greenplum-host=HOST'

/**
 * Reads `gpss://GPSSHOST:PORT/DATABASE?…` with the parameters
 *
 *     greenplum-host, greenplum-port  the coordinator, as GPSS reaches it; GPSSHOST and 5432
 *     user, password, password-file   or in front of GPSSHOST, as USER:PASSWORD@; the password also from the variables
 *                                     CDC_RELAY_GPSS_PASSWORD and PGPASSWORD
 *     schema                          of tables that name none; public
 *     staging-schema                  where GPSS makes its external tables; the schema of the target
 *     tls, ca, cert, key              on or off (off); files in PEM form
 *     session-timeout, deadline       seconds: of idleness, of one call; twice the deadline, and 120
 *
 * @throws RelayError CONFIGURATION with every problem in one message, and no password
 */
export function gpssAddress(url: string, environment: Readonly<Record<string, string | undefined>>): GpssAddress {
  const misread = misreading(url)
  if (misread !== null) throw new RelayError('CONFIGURATION', `The URL of GPSS ${misread}`)
  // The cause would show the URL, and with it the password.
  if (!URL.canParse(url)) throw new RelayError('CONFIGURATION', `The URL of GPSS is not a URL: ${FORM}`)
  const { hostname, port, pathname, username, password, searchParams } = new URL(url)
  const problems: string[] = []

  const given = (name: string): string | null => searchParams.get(name) || null
  const decoded = (text: string, what: string): string | null => {
    try {
      return decodeURIComponent(text) || null
    } catch {
      problems.push(`the ${what} is not percent-encoded`)
      return null
    }
  }
  const once = (name: string, one: string | null, other: string | null): string | null => {
    if (one !== null && other !== null) problems.push(`${name} is given twice`)
    return one ?? other
  }
  const needed = (what: string, text: string | null): string => {
    if (text === null) problems.push(`${what} is missing`)
    return text ?? ''
  }
  const whole = (name: string, usual: number, max: number): number => {
    const text = given(name)
    if (text === null) return usual
    if (/^[1-9]\d{0,8}$/.test(text) && Number(text) <= max) return Number(text)
    problems.push(`${name} must be a whole number from 1 to ${max}`)
    return usual
  }

  problems.push(...parameterProblems(searchParams, PARAMETERS))

  const host = needed('the host of GPSS', hostname || null)
  const deadline = whole('deadline', DEFAULTS.deadline, 86_400)
  const address: GpssAddress = {
    target: `${host}:${port || DEFAULTS.gpssPort}`,
    tls: tlsFiles(given, problems),
    greenplum: {
      // Brackets belong to URLs only.
      host: given('greenplum-host') ?? host.replace(/^\[(.*)\]$/, '$1'),
      port: whole('greenplum-port', DEFAULTS.greenplumPort, 65_535),
      database: needed('the database', decoded(pathname.slice(1), 'database')),
      user: needed('the user', once('the user', decoded(username, 'user'), given('user'))),
    },
    password: passwordOf(
      once('the password', decoded(password, 'password'), given('password')),
      given('password-file'),
      environment,
      problems,
    ),
    schema: given('schema') ?? DEFAULTS.schema,
    stagingSchema: given('staging-schema') ?? '',
    sessionTimeoutSeconds: whole('session-timeout', 2 * deadline, 2 * 86_400),
    deadlineMs: deadline * 1000,
  }
  if (address.sessionTimeoutSeconds <= deadline) {
    problems.push('session-timeout must be longer than deadline, or GPSS may end a session during a call')
  }
  if (problems.length > 0) {
    throw new RelayError('CONFIGURATION', `The URL of GPSS, ${FORM}, has problems: ${problems.join('; ')}`)
  }
  return address
}

function tlsFiles(given: (name: string) => string | null, problems: string[]): TlsFiles | null {
  const [tls, ca, cert, key] = [given('tls') ?? 'off', given('ca'), given('cert'), given('key')]
  if (tls !== 'on' && tls !== 'off') problems.push('tls must be on or off')
  if (tls === 'off' && (ca ?? cert ?? key) !== null) problems.push('ca, cert and key need tls=on')
  if ((cert === null) !== (key === null)) problems.push('cert and key need each other')
  return tls === 'on' ? { ca, own: cert !== null && key !== null ? { cert, key } : null } : null
}

/** None at all is for servers that trust: an empty text. */
function passwordOf(
  inUrl: string | null,
  file: string | null,
  environment: Readonly<Record<string, string | undefined>>,
  problems: string[],
): Password {
  if (inUrl !== null && file !== null) problems.push('password and password-file exclude each other')
  if (file !== null) return { file }
  return { text: inUrl ?? (environment.CDC_RELAY_GPSS_PASSWORD || environment.PGPASSWORD || '') }
}
