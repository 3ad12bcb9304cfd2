import { readFile } from 'node:fs/promises'
import { Writable } from 'node:stream'
import pg from 'pg'
import pgpass from 'pgpass'
import type { Env } from '../../env.ts'
import { RelayError } from '../../errors.ts'
import { fileTrouble } from '../../file-trouble.ts'

/** What node-postgres knows of the login when the server asks for a password. */
interface Login {
  readonly host?: string
  readonly port?: number
  readonly database?: string
  readonly user?: string
}

/**
 * node-postgres's client, with two differences: a password is looked for when the server asks for one, in `passwordFile`, else
 * in the URL, `PGPASSWORD` and the password file of libpq (`PGPASSFILE`, `~/.pgpass`); and a login that fails leaves no socket
 * behind, which the server would keep open for a minute, and with it this process.
 *
 * @param env where `PGPASSWORD` is looked for; absent: where node-postgres looks
 * @throws RelayError SINK_LOGIN, by its `connect`, if a password is wanted and none is given
 */
export function clientThatLogsIn(passwordFile: string | null, env?: Env): typeof pg.Client {
  return class extends pg.Client {
    constructor(config?: string | pg.ClientConfig) {
      super(config)
      // Of the URL or PGPASSWORD; node-postgres keeps it from being shown, and calls it where it is a function.
      const known = this.password as string | null | undefined
      const given = env === undefined ? known : passwordInUrl(config) || env.PGPASSWORD
      const find = (login: Login) => passwordOf(passwordFile, given || null, login)
      ;(this as { password: unknown }).password = find
    }

    override connect(): Promise<pg.Client>
    override connect(callback: (error: Error) => void): void
    override connect(callback?: (error: Error) => void): Promise<pg.Client> | undefined {
      const connected = super.connect()
      connected.catch(() => this.connection.stream.destroy())
      if (callback === undefined) return connected
      // As node-postgres calls it: without an error if there is none.
      connected.then(() => (callback as () => void)(), callback)
      return undefined
    }
  }
}

/** The one in front of the host. */
function passwordInUrl(config: string | pg.ClientConfig | undefined): string {
  const url = URL.parse((typeof config === 'string' ? config : config?.connectionString) ?? '')
  return decodeURIComponent(url?.password ?? '')
}

async function passwordOf(file: string | null, given: string | null, login: Login): Promise<string> {
  const password = file === null ? (given ?? (await fromPasswordFile(login))) : await readPassword(file)
  if (password) return password
  const what = file === null ? 'none is given' : `the file ${file} is empty`
  throw new RelayError('SINK_LOGIN', `The server asks for a password, and ${what}. ${WAYS}`)
}

const WAYS =
  'Set PGPASSWORD, or name a file that holds it with --sink-password-file, or add a line to ~/.pgpass (PGPASSFILE)'

/** A password in a file, without the end of its line: read at each login, for it may change. @throws RelayError SINK_LOGIN */
export async function readPassword(file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).replace(/\r?\n$/, '')
  } catch (cause) {
    throw new RelayError('SINK_LOGIN', `The password file ${file} cannot be read: ${fileTrouble(cause)}`)
  }
}

/** What libpq would take, too. https://www.postgresql.org/docs/current/libpq-pgpass.html */
function fromPasswordFile(login: Login): Promise<string | undefined> {
  // It warns of files that others may read.
  pgpass.warnTo(new Writable({ write: (words, _, done) => done(void console.warn(String(words).trim())) }))
  return new Promise((resolve) => pgpass(login, resolve))
}
