import { RelayError } from '../../../errors.ts'
import { misreading, parameterProblems } from '../../../server-url.ts'
import { schemaName } from './tables/names.ts'

/** Where a CrateDB is, as node-postgres takes it. */
export interface CrateAddress {
  /** Of `pg.ClientConfig`. Holds the password: never for messages. */
  readonly connectionString: string
  /** Of `pg.ClientConfig`: `options` of the URL, the only startup parameter beside user and database that CrateDB reads; `''` if none. */
  readonly options: string
  /** Where tables go that name no schema. */
  readonly schema: string
  /** Whether documents in a new table are kept as they are, or each of their attributes becomes an indexed column. */
  readonly objects: 'ignored' | 'dynamic'
}

const DEFAULTS = { user: 'crate', port: '5432', schema: 'doc' } as const
const HTTP_PORT = '4200'
/** Ours: node-postgres does not see it. */
const IN_CLEAR = 'password-in-clear'
const OBJECTS = ['ignored', 'dynamic'] as const
const TLS_PARAMETERS = ['sslmode', 'sslrootcert', 'sslcert', 'sslkey', 'uselibpqcompat']
const TLS_MODES = ['disable', 'prefer', 'require', 'verify-ca', 'verify-full', 'no-verify']
const FORM = 'crate://USER@HOST:5432/SCHEMA'

/**
 * Reads `crate://[user[:password]@]host[:port][/schema][?sslmode=…]`; without them, user `crate`, port 5432, schema `doc`.
 * `objects=dynamic` is for documents in new tables; `ignored` is the default.
 *
 * CrateDB asks for passwords in clear text: one is only sent over TLS, to this very machine, or with
 * `password-in-clear=yes`. TLS is as node-postgres reads `sslmode`, `sslrootcert`, `sslcert` and `sslkey`.
 *
 * @param environment node-postgres takes `PGPASSWORD` where the URL has no password
 * @throws RelayError CONFIGURATION with every problem; never shows the password
 */
export function crateAddress(
  url: string,
  environment: Readonly<Record<string, string | undefined>>,
  hasPasswordFile = false,
): CrateAddress {
  const parsed = parse(url)
  const parameters = parsed.searchParams
  const schema = decoded(parsed.pathname.slice(1)) || DEFAULTS.schema
  const port = parsed.port || DEFAULTS.port
  const hasPassword = hasPasswordFile || parsed.password !== '' || Boolean(environment.PGPASSWORD)

  const problems = [
    ...hostProblems(parsed, port),
    ...schemaProblems(schema),
    ...parametersProblems(parameters),
    ...(hasPassword ? passwordProblems(parsed, parameters) : []),
  ]
  if (problems.length > 0) throw new RelayError('CONFIGURATION', `The URL of the target: ${problems.join('; ')}`)

  const tls = new URLSearchParams([...parameters].filter(([name]) => TLS_PARAMETERS.includes(name))).toString()
  const login = `${parsed.username || DEFAULTS.user}${parsed.password === '' ? '' : `:${parsed.password}`}`
  return {
    connectionString: `postgresql://${login}@${parsed.hostname}:${port}/${encodeURI(schema)}${tls && '?'}${tls}`,
    options: parameters.get('options') ?? '',
    schema,
    objects: OBJECTS.find((one) => one === parameters.get('objects')) ?? 'ignored',
  }
}

function parse(url: string): URL {
  const misread = misreading(url)
  if (misread !== null) throw new RelayError('CONFIGURATION', `The URL of the target ${misread}`)
  try {
    const parsed = new URL(url)
    if (parsed.protocol === 'crate:') return parsed
  } catch {
    // The cause would show the URL, and with it the password.
  }
  throw new RelayError('CONFIGURATION', `The URL of the target is not of the form ${FORM}`)
}

function hostProblems({ hostname }: URL, port: string): string[] {
  return [
    ...(hostname === '' ? [`it names no host; it has the form ${FORM}`] : []),
    ...(hostname.includes(',')
      ? ['it names several hosts; any one node of the cluster will do, or a load balancer in front of them']
      : []),
    ...(port === HTTP_PORT
      ? ['4200 is the HTTP port of CrateDB; the relay speaks the PostgreSQL protocol, which is on port 5432']
      : []),
  ]
}

function schemaProblems(schema: string): string[] {
  if (schemaName(schema) === schema) return []
  return [`${JSON.stringify(schema)} is no schema that CrateDB can have tables in; it has the form ${FORM}`]
}

function parametersProblems(parameters: URLSearchParams): string[] {
  const problems = parameterProblems(parameters, [...TLS_PARAMETERS, 'options', 'objects', IN_CLEAR])
  const mode = parameters.get('sslmode')
  if (mode !== null && !TLS_MODES.includes(mode)) problems.push(`sslmode is one of ${TLS_MODES.join(', ')}`)
  const objects = parameters.get('objects')
  if (objects !== null && !OBJECTS.some((one) => one === objects)) problems.push(`objects is ${OBJECTS.join(' or ')}`)
  const inClear = parameters.get(IN_CLEAR)
  if (inClear !== null && inClear !== 'yes') problems.push(`${IN_CLEAR} can only be yes`)
  return problems
}

function passwordProblems({ hostname }: URL, parameters: URLSearchParams): string[] {
  if (hasTls(parameters) || parameters.has(IN_CLEAR) || THIS_MACHINE.test(hostname)) return []
  return [
    `the password would be sent in clear text; add sslmode=verify-full, or ${IN_CLEAR}=yes if the network can be trusted`,
  ]
}

const THIS_MACHINE = /^(localhost|127(\.\d+){3}|\[::1\])$/i

/** As node-postgres decides: a file for TLS asks for it, too. */
function hasTls(parameters: URLSearchParams): boolean {
  const mode = parameters.get('sslmode')
  if (mode !== null && mode !== '') return mode !== 'disable'
  return ['sslrootcert', 'sslcert', 'sslkey'].some((name) => Boolean(parameters.get(name)))
}

/** What cannot be decoded stands as it is. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
