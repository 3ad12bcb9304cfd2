import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { runCheck } from '../../src/check/check.ts'
import { checkServer, checksFor } from '../../src/check/check-server.ts'
import { newCheckName, openContext } from '../../src/check/context.ts'
import type { Finding } from '../../src/check/finding.ts'
import { ownSchema } from '../../src/check/place.ts'
import type { Report } from '../../src/check/report.ts'
import type { Server } from '../../src/check/server.ts'
import { reach } from '../../src/check/sessions.ts'
import { type Crate, type CrateOptions, startCrate } from '../support/crate/crate.ts'
import type { Faults } from '../support/crate/faults.ts'
import { testDatabase } from '../support/postgres/postgres.ts'
import { volume } from '../support/volume.ts'

const QUIET = { debug() {}, info() {}, warn() {}, error() {} }
const LOGIN = { passwordFile: null, env: {} }

test('a server that answers as expected: nothing differs, all is removed', async (t) => {
  const crate = await startedCrate(t)
  const { server, findings, leftBehind } = await checked(crate)
  assert.deepEqual(server, { kind: 'CrateDB', version: '6.4.3' })
  assert.deepEqual(
    findings.map(({ id }) => id),
    ['C-00', ...range(1, 11), 'C-11b', ...range(12, 57)],
  )
  assert.deepEqual(differing(findings), [])
  assert.deepEqual(new Set(findings.map(({ verdict }) => verdict)), new Set(['as expected']))
  assert.equal(leftBehind, null)
  assert.deepEqual(remaining(crate), [])
})

const CHANGES: readonly { title: string; options: CrateOptions; differ: readonly string[] }[] = [
  { title: 'a version that is too old', options: { crateVersion: '5.10.11' }, differ: ['C-01'] },
  { title: 'longer statements', options: { maxStatementLength: 300_000 }, differ: ['C-16'] },
  { title: 'searches that see all at once', options: { refresh: 'always' }, differ: ['C-18', 'C-19', 'C-21'] },
]
// In the short run one server has those that do not touch what another does: an old version has no limit of statements.
for (const changes of volume([CHANGES.slice(0, 1), CHANGES.slice(1)], each(CHANGES))) {
  test(`${titles(changes)}: that and nothing else differs, with what follows from it`, async (t) => {
    const crate = await startedCrate(t, Object.assign({}, ...changes.map(({ options }) => options)))
    const { findings } = await checked(crate)
    const found = findings.filter(({ verdict }) => verdict === 'differs')
    assert.deepEqual(
      found.map(({ id }) => id),
      changes.flatMap(({ differ }) => differ),
    )
    for (const { consequence } of found) assert.ok(consequence)
  })
}

interface Trouble {
  readonly title: string
  readonly befalls: (faults: Faults) => void
  readonly differ?: readonly string[]
  readonly notPermitted?: readonly string[]
  /** What is said of a check. */
  readonly said?: readonly [id: string, words: RegExp]
}

const TROUBLES: readonly Trouble[] = [
  {
    title: 'an answer in the middle that cuts the connection',
    befalls: (faults) => faults.next({ kind: 'drop', when: 'before' }, { matching: /RETURNING k, v/ }),
    differ: ['C-12'],
    said: ['C-12', /failed: LOST: the server closed the connection/],
  },
  {
    title: 'tokens that do not hold',
    befalls(faults) {
      faults.next({ kind: 'moved-primaries' }, { matching: /^DELETE .* _seq_no/ })
      faults.next({ kind: 'moved-primaries' }, { matching: /^UPDATE .* _seq_no/ })
    },
    differ: ['C-20', 'C-43'],
  },
  {
    title: 'a right that is missing for one check',
    befalls: (faults) =>
      faults.next(
        { kind: 'error', when: 'before', text: "Missing 'DQL' privilege for user 'app'" },
        { matching: /^EXPLAIN/ },
      ),
    notPermitted: ['C-22'],
  },
]
// None touches what another does: in the short run one server has them all.
for (const troubles of volume([TROUBLES], each(TROUBLES))) {
  test(`${titles(troubles)}: each spoils its own checks only, and all is removed`, async (t) => {
    const crate = await startedCrate(t)
    for (const { befalls } of troubles) befalls(crate.faults)
    const { findings } = await checked(crate)
    assert.deepEqual(
      differing(findings),
      troubles.flatMap(({ differ = [] }) => differ),
    )
    assert.deepEqual(
      findings.filter(({ verdict }) => verdict === 'not permitted').map(({ id }) => id),
      troubles.flatMap(({ notPermitted = [] }) => notPermitted),
    )
    for (const [id, words] of troubles.flatMap(({ said }) => (said === undefined ? [] : [said])))
      assert.match(findings.find((finding) => finding.id === id)!.found, words)
    assert.deepEqual(remaining(crate), [])
  })
}

const NO_RIGHT = "Missing 'DDL' privilege for user 'app'"

test('a user who may make tables in the schema of the URL alone: all is done and removed there', async (t) => {
  const crate = await startedCrate(t)
  crate.query('CREATE TABLE doc.a (k BIGINT)')
  crate.faults.next({ kind: 'error', when: 'before', text: NO_RIGHT }, { matching: /CREATE TABLE "cdc_relay_check/ })
  const { findings, leftBehind } = await checked(crate)
  assert.deepEqual(new Set(findings.map(({ verdict }) => verdict)), new Set(['as expected']))
  assert.equal(findings[0]!.found, 'made (in "doc", for this user may make no schema)')
  assert.deepEqual([leftBehind, remaining(crate)], [null, []])
  const tables =
    "SELECT table_schema, table_name FROM information_schema.tables WHERE table_schema IN ('doc', 'cdc_relay')"
  assert.deepEqual(crate.query(tables), [{ table_schema: 'doc', table_name: 'a' }])
})

test('a table that cannot be made: that is said, nothing else is tried', async (t) => {
  const crate = await startedCrate(t)
  for (const _ of ['a schema of its own', 'doc'])
    crate.faults.next({ kind: 'error', when: 'before', text: NO_RIGHT }, { matching: /CREATE TABLE/ })
  const { findings } = await checked(crate)
  assert.deepEqual(differing(findings), ['C-00'])
  assert.match(findings[0]!.consequence!, /GRANT DQL, DML, DDL ON SCHEMA cdc_relay/)
  assert.equal(findings.length, 1)
})

test('what cannot be removed is named', async (t) => {
  const crate = await startedCrate(t)
  crate.faults.next({ kind: 'error', when: 'before', text: 'blocked by: [FORBIDDEN]' }, { matching: /^DROP TABLE/ })
  const { leftBehind } = await checked(crate)
  assert.match(leftBehind!, /blocked by: \[FORBIDDEN\].*Remove the schema cdc_relay_check_[0-9a-f]{12} by hand/)
  assert.equal(remaining(crate).length, 1)
})

/** The checks are there since CrateDB differs from PostgreSQL: they must find so. */
test('on PostgreSQL all checks differ but those on which both agree', async (t) => {
  const database = await testDatabase(t)
  const reached = await reach(database.url, LOGIN)
  const server: Server = { kind: 'CrateDB', version: '6.4.3' }
  const name = newCheckName()
  const context = openContext(reached, server, name, ownSchema(name), new AbortController().signal)
  t.after(() => context.close())
  await database.query(`CREATE SCHEMA ${name}`)
  await database.query(
    `CREATE TABLE ${name}.a (k bigint PRIMARY KEY, s text, n bigint, o jsonb, i jsonb, v bigint, _seq_no int, _primary_term int)`,
  )
  const same: string[] = []
  // The version (which is made up here), limits of parameters, a row by its key, documents, a name with an underscore in front,
  // is_nullable, many columns at once.
  const agreed = ['C-01', 'C-14', 'C-15', 'C-17', 'C-24', 'C-26', 'C-31', 'C-37', 'C-47', 'C-55']
  for (const check of checksFor(server).others) {
    const { id, verdict } = await runCheck(check, context)
    if (verdict === 'as expected') same.push(id)
  }
  assert.deepEqual(same, agreed)
})

async function startedCrate(t: TestContext, options?: CrateOptions): Promise<Crate> {
  const crate = await startCrate(options)
  t.after(crate.stop)
  return crate
}

const checked = (crate: Crate): Promise<Report> => checkServer(crate.url, LOGIN, QUIET, new AbortController().signal)

const differing = (findings: readonly Finding[]): string[] =>
  findings.filter(({ verdict }) => verdict === 'differs').map(({ id }) => id)

function each<T>(all: readonly T[]): readonly (readonly T[])[] {
  return all.map((one) => [one])
}

function titles(all: readonly { readonly title: string }[]): string {
  return all.map(({ title }) => title).join(', ')
}

const range = (first: number, last: number): string[] =>
  Array.from({ length: last - first + 1 }, (_, at) => `C-${String(first + at).padStart(2, '0')}`)

const remaining = (crate: Crate) =>
  crate.query("SELECT table_name FROM information_schema.tables WHERE table_schema LIKE 'cdc_relay_check%'")
