import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import pg from 'pg'
import { type PostgresVersion, serverUser, sharedFolder, usablePrograms } from './postgres-programs.ts'
import { fillFolder } from './template.ts'

/** A PostgreSQL server of our own, in a temporary folder, reached over TCP with a password. */
export interface PostgresServer {
  readonly version: string
  readonly port: number
  /** Connection URL of a database of the server. */
  url(database?: string): string
  /** Ends the server and removes its folder. Happens by itself, too, when this process ends, however it ends. */
  stop(): Promise<void>
}

export interface TestDatabase {
  readonly name: string
  readonly url: string
  /** Runs one statement on a connection of the test's own. */
  query<T = Record<string, unknown>>(text: string, values?: unknown[]): Promise<T[]>
  /** Drops the database, and with it everyone's connections. */
  drop(): Promise<void>
}

let databases = 0

/** @param settings of the connections of `query`, as on the command line of a server: `-c name=value` */
export async function newDatabase(server: PostgresServer, settings?: string): Promise<TestDatabase> {
  const name = `test_${++databases}`
  await statement(server.url(), `CREATE DATABASE ${name}`)
  const url = server.url(name)
  const pool = new pg.Pool({
    ...{ connectionString: url, max: 4, options: settings, idleTimeoutMillis: 0, allowExitOnIdle: true },
  })
  pool.on('error', () => {})
  let dropped: Promise<unknown> | undefined
  return {
    name,
    url,
    query: async <T>(text: string, values: unknown[] = []) => (await pool.query(text, values)).rows as T[],
    drop: async () => {
      dropped ??= pool.end().then(() => dropDatabase(server, name))
      await dropped
    },
  }
}

/** As `DROP DATABASE … WITH (FORCE)`, which PostgreSQL 10 and 12 do not know. */
async function dropDatabase(server: PostgresServer, name: string): Promise<void> {
  await statement(
    server.url(),
    `ALTER DATABASE ${name} ALLOW_CONNECTIONS false`,
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}'`,
    // A server waits a few seconds for sessions that are about to end.
    `DROP DATABASE ${name}`,
  )
}

const PASSWORD = 'password-of-the-test-server'

/** Server settings with which nothing is synced to disk. */
export const UNSYNCED = {
  fsync: 'off',
  full_page_writes: 'off',
  autovacuum: 'off',
  shared_buffers: '16MB',
  max_wal_size: '4GB',
  checkpoint_timeout: '1h',
}

/**
 * @param settings server settings (`-c name=value`); by default nothing is synced to disk
 */
export async function startPostgres(
  settings: Readonly<Record<string, string>> = UNSYNCED,
  version: PostgresVersion = '18',
): Promise<PostgresServer> {
  const user = await serverUser()
  const home = await mkdtemp(join(sharedFolder(user), 'cdc-relay-postgres-'))
  await chmod(home, 0o755)
  const bin = await usablePrograms(version, user, home)
  const data = join(home, 'data')
  const passwordFile = join(home, 'password')
  await mkdir(data, { mode: 0o700 })
  await writeFile(passwordFile, PASSWORD)
  // All of it, so that the server's user can remove it, too.
  const handOver = () => user !== null && spawnSync('chown', ['-R', `${user.uid}:${user.gid}`, home])
  handOver()
  const { stdout: product } = spawnSync(join(bin, 'postgres'), ['--version'], { ...user, cwd: home, encoding: 'utf8' })
  await fillFolder(data, `${product.trim()} quick`, async () => {
    const flags = [
      '-U',
      'postgres',
      ...(version === '18' ? ['-A', 'scram-sha-256', '-c', 'scram_iterations=1'] : ['-A', 'md5']),
      `--pwfile=${passwordFile}`,
      '-E',
      'UTF8',
      '--no-locale',
      '-N',
    ]
    const init = spawnSync(join(bin, 'initdb'), ['-D', data, ...flags], { ...user, cwd: home, encoding: 'utf8' })
    if (init.status !== 0) throw new Error(`initdb failed: ${init.error ?? ''}${init.stdout}${init.stderr}`)
  })
  await chmod(data, 0o700)
  handOver()

  const port = await freePort()
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const server = spawn(
    '/bin/sh',
    ['-c', SUPERVISE, 'postgres', home, join(bin, 'postgres'), '-D', data, '-p', `${port}`, ...LISTEN, ...flags],
    { ...user, cwd: home, stdio: ['pipe', 'ignore', 'pipe'] },
  )
  const exited = once(server, 'exit')
  await untilReady(server.stderr, exited)

  // From here on the server must not keep this process alive; it ends when our end of the pipe does.
  server.unref()
  for (const stream of [server.stdin, server.stderr]) (stream as unknown as { unref(): void }).unref()

  const url = (database = 'postgres') => `postgresql://postgres:${PASSWORD}@127.0.0.1:${port}/${database}`
  const [row] = await statement(url(), 'SHOW server_version')
  return {
    version: String(row?.server_version),
    port,
    url,
    stop: async () => {
      server.ref()
      server.stdin.end()
      await exited
      // Its own user may not remove it from a folder for temporary files that is ours alone.
      await rm(home, { recursive: true, force: true })
    },
  }
}

const LISTEN = ['-h', '127.0.0.1', '-c', 'unix_socket_directories=', '-c', 'lc_messages=C', '-c', 'max_connections=50']

/** Runs the server until it ends or standard input does (so also when this process is killed), then removes its folder. */
const SUPERVISE = `
home=$1; shift
"$@" & server=$!
exec 3<&0
(cat <&3 >/dev/null; kill -QUIT $server 2>/dev/null) 2>/dev/null & 
trap '' INT TERM
wait $server
rm -rf "$home"
`

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as { port: number }
  probe.close()
  await once(probe, 'close')
  return port
}

async function untilReady(log: NodeJS.ReadableStream, exited: Promise<unknown>): Promise<void> {
  const said: string[] = []
  await new Promise<void>((resolve, reject) => {
    // The lines are read on after this, so that the server never waits for its log.
    createInterface(log).on('line', (line) => {
      if (said.length < 50) said.push(line)
      if (line.includes('ready to accept connections')) resolve()
    })
    exited.then(() => reject(new Error(`PostgreSQL did not start:\n${said.join('\n')}`)))
  })
}

/** Runs one statement after the other on one connection; resolves to the rows of the last. */
async function statement(url: string, ...texts: readonly string[]): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  try {
    let rows: Record<string, unknown>[] = []
    for (const text of texts) rows = (await client.query(text)).rows
    return rows
  } finally {
    await client.end()
  }
}
