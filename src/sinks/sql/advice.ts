import { userInfo } from 'node:os'
import type { Env } from '../../env.ts'
import { schemeOf } from '../../server-url.ts'

/** Who writes where: so that an advice can be typed as it stands. */
export interface Asker {
  /** The role that logs in. */
  readonly user: string
  /** The tables that were written, for a server names a table without its schema. */
  readonly tables?: readonly { readonly schema: string; readonly name: string }[]
}

/** The role that a URL logs in as. */
export function askerOf(url: string, env: Env = {}): Asker {
  if (schemeOf(url) === 'pglite') return { user: 'postgres' }
  const parsed = URL.parse(url)
  const named = parsed?.username ? decoded(parsed.username) : parsed?.searchParams.get('user')
  return { user: named || env.PGUSER || userInfo().username }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** What lets the relay work with an object of this kind. https://www.postgresql.org/docs/current/ddl-priv.html */
const GRANTS: Readonly<Record<string, string>> = {
  table: 'SELECT, INSERT, UPDATE, DELETE ON',
  relation: 'SELECT, INSERT, UPDATE, DELETE ON',
  view: 'SELECT ON',
  schema: 'USAGE, CREATE ON SCHEMA',
  sequence: 'USAGE ON SEQUENCE',
  database: 'CREATE ON DATABASE',
  function: 'EXECUTE ON FUNCTION',
  type: 'USAGE ON TYPE',
  tablespace: 'CREATE ON TABLESPACE',
}

/** The statement that gives a right that is missing; null if the words name no object. @param words of a server, in English */
export function rightsAdvice(words: string, { user, tables = [] }: Asker): string | null {
  const [, kind, name] = /^permission denied for (\w+) (.+)$/.exec(words) ?? []
  if (kind !== undefined && Object.hasOwn(GRANTS, kind)) {
    return `Its owner types: GRANT ${GRANTS[kind]} ${qualified(unquoted(name!), kind, tables)} TO ${identifier(user)}`
  }
  const [, owned, whose] = /^must be owner of (table|relation|view|schema) (.+)$/.exec(words) ?? []
  if (owned === undefined) return null
  const object = owned === 'relation' ? 'table' : owned
  const alter = `ALTER ${object.toUpperCase()} ${qualified(unquoted(whose!), object, tables)} OWNER TO ${identifier(user)}`
  return object === 'schema' ? alter : `${alter}; or run with \`--create-tables never\` and alter it yourself`
}

function qualified(name: string, kind: string, tables: NonNullable<Asker['tables']>): string {
  const [only, ...others] = kind === 'table' || kind === 'relation' ? tables.filter((table) => table.name === name) : []
  return only === undefined || others.length > 0
    ? identifier(name)
    : `${identifier(only.schema)}.${identifier(only.name)}`
}

const unquoted = (name: string): string => (/^".*"$/s.test(name) ? name.slice(1, -1).replaceAll('""', '"') : name)

const identifier = (name: string): string =>
  /^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`

const UNKNOWN_AUTHORITY =
  'The authority of its certificate is not known here. Name the file that holds it, with `sslrootcert=PATH` in the URL (RDS: its global-bundle.pem); or skip the check, with `sslmode=no-verify`'

/** What to do about a TLS connection that does not come about, by Node.js's and OpenSSL's codes. */
const BY_CODE: Readonly<Record<string, string>> = {
  SELF_SIGNED_CERT_IN_CHAIN: UNKNOWN_AUTHORITY,
  DEPTH_ZERO_SELF_SIGNED_CERT: UNKNOWN_AUTHORITY,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNKNOWN_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT: UNKNOWN_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNKNOWN_AUTHORITY,
  CERT_HAS_EXPIRED: 'The server needs a new certificate',
  CERT_NOT_YET_VALID: 'Compare the clocks of server and relay',
  ERR_TLS_CERT_ALTNAME_INVALID:
    'Use one of its names as the host in the URL; or check the authority alone, with `sslmode=verify-ca&uselibpqcompat=true&sslrootcert=PATH`',
}

/** What to do about a TLS connection that does not come about; null if the error is about something else. */
export function tlsAdvice({ message, code }: { readonly message: string; readonly code?: unknown }): string | null {
  const known = typeof code === 'string' && Object.hasOwn(BY_CODE, code) ? BY_CODE[code]! : null
  if (known !== null) return known
  if (/^The server does not support SSL connections/.test(message)) {
    return 'Turn TLS on there; or say `sslmode=disable` in the URL, and everything travels in clear'
  }
  if (typeof code !== 'string' || !/^(EPROTO|ERR_SSL_|ERR_OSSL_|ERR_TLS_)/.test(code)) return null
  return `Check \`sslmode\`, and the files of \`sslrootcert\`, \`sslcert\` and \`sslkey\` in the URL`
}
