import assert from 'node:assert/strict'
import { chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { sql } from 'kysely'
import { connect } from '../../src/sinks/sql/connect.ts'
import { certificateAuthority } from '../support/gpss/certificates.ts'
import { serverUser, sharedFolder } from '../support/postgres/postgres-programs.ts'
import { startPostgres, UNSYNCED } from '../support/postgres/postgres-server.ts'
import { runProgramAgain } from '../support/processes/many-runs.ts'

/** What docs/tls.md says, on a server whose certificate names 127.0.0.1, not localhost, and is of an authority that nobody knows. */
const user = await serverUser()
const folder = mkdtempSync(join(sharedFolder(user), 'cdc-relay-tls-'))
after(() => rmSync(folder, { recursive: true }))
if (user !== null) chownSync(folder, user.uid, user.gid)

function file(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text, { mode: 0o600 })
  if (user !== null) chownSync(path, user.uid, user.gid)
  return path
}

const authority = certificateAuthority()
const issued = authority.issue('db.example')
const ca = file('ca.pem', authority.certificate)
const otherCa = file('other.pem', certificateAuthority('somebody else').certificate)
const settings = {
  ...UNSYNCED,
  ssl: 'on',
  ssl_cert_file: file('server.pem', issued.certificate),
  ssl_key_file: file('server.key', issued.key),
}
const [withTls, withoutTls] = await Promise.all([startPostgres(settings), startPostgres()])
after(() => Promise.all([withTls.stop(), withoutTls.stop()]))

/** `sslmode`, the authority in sslrootcert, whether the URL has the name of the certificate, and what becomes of it. */
const CASES: readonly (readonly [
  query: string,
  host: '127.0.0.1' | 'localhost',
  outcome: 'in clear' | 'encrypted' | RegExp,
])[] = [
  ['', '127.0.0.1', 'in clear'],
  ['sslmode=disable', '127.0.0.1', 'in clear'],
  [`sslrootcert=${ca}`, '127.0.0.1', 'encrypted'],
  [`sslmode=verify-full&sslrootcert=${ca}`, '127.0.0.1', 'encrypted'],
  [`sslmode=verify-full&sslrootcert=${ca}`, 'localhost', /does not match|altnames/i],
  [`sslmode=verify-full&sslrootcert=${otherCa}`, '127.0.0.1', /certificate/],
  ['sslmode=verify-full', '127.0.0.1', /certificate/],
  // The same as verify-full, whatever libpq makes of them.
  ...['prefer', 'require', 'verify-ca'].flatMap(
    (mode) =>
      [
        [`sslmode=${mode}&sslrootcert=${ca}`, '127.0.0.1', 'encrypted'],
        [`sslmode=${mode}&sslrootcert=${ca}`, 'localhost', /does not match|altnames/i],
        [`sslmode=${mode}`, '127.0.0.1', /certificate/],
      ] as const,
  ),
  ['sslmode=no-verify', 'localhost', 'encrypted'],
  ['uselibpqcompat=true&sslmode=require', 'localhost', 'encrypted'],
  [`uselibpqcompat=true&sslmode=verify-ca&sslrootcert=${ca}`, 'localhost', 'encrypted'],
  [`uselibpqcompat=true&sslmode=verify-ca&sslrootcert=${otherCa}`, 'localhost', /certificate/],
  ['ssl=true', '127.0.0.1', /certificate/],
]

for (const [query, host, outcome] of CASES) {
  const shown = query.replaceAll(folder, '').replaceAll('/', '')
  test(`${shown || 'no parameter'} to ${host}: ${outcome}`, async () => {
    const url = `${withTls.url().replace('127.0.0.1', host)}?${query}`
    if (outcome instanceof RegExp) await assert.rejects(encryption(url), outcome)
    else assert.equal(await encryption(url), outcome)
  })
}

test('a server without TLS is refused by every mode but disable', async () => {
  for (const mode of ['prefer', 'require', 'verify-full', 'no-verify']) {
    await assert.rejects(encryption(`${withoutTls.url()}?sslmode=${mode}`), /does not support SSL/, mode)
  }
  assert.equal(await encryption(`${withoutTls.url()}?sslmode=disable`), 'in clear')
})

test('PGSSLMODE counts where the URL says nothing', async (t) => {
  process.env.PGSSLMODE = 'no-verify'
  t.after(() => delete process.env.PGSSLMODE)
  assert.equal(await encryption(withTls.url()), 'encrypted')
  assert.equal(await encryption(`${withTls.url()}?sslmode=disable`), 'in clear')
})

test('the program says what is wrong with a certificate, and leaves', async () => {
  const source = file('capture.jsonl', '')
  for (const [url, words] of [
    [`${withTls.url()}?sslmode=verify-full`, /SINK_TLS: .* certificate.*sslrootcert=PATH/],
    [
      `${withTls.url().replace('127.0.0.1', 'localhost')}?sslmode=verify-full&sslrootcert=${ca}`,
      /SINK_TLS: .*altnames.* names as the host/,
    ],
    [`${withoutTls.url()}?sslmode=verify-full`, /SINK_TLS: .*does not support SSL connections.*sslmode=disable/],
  ] as const) {
    const { exitCode, stderr } = await runProgramAgain(['run', '--source', `file:${source}`, '--sink', url])
    assert.match(stderr, words)
    assert.equal(exitCode, 2)
  }
})

async function encryption(url: string): Promise<'in clear' | 'encrypted'> {
  const connection = await connect(url)
  try {
    const { rows } = await sql<{ ssl: boolean }>`SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()`.execute(
      connection.db,
    )
    return rows[0]!.ssl ? 'encrypted' : 'in clear'
  } finally {
    await connection.close()
  }
}
