import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkServer } from '../../src/check/check-server.ts'
import {
  type GreenplumKind,
  greenplumDatabase,
  isRealGreenplum,
  withoutGreenplum,
  withoutStandIn,
} from '../support/greenplum/greenplum.ts'

const QUIET = { debug() {}, info() {}, warn() {}, error() {} }
const LOGIN = { passwordFile: null, env: {} }
const TITLES: Readonly<Record<GreenplumKind, string>> = {
  '6': 'Greenplum 6',
  '7': 'Greenplum 7',
  cloudberry: 'Cloudberry',
}

for (const kind of ['6', '7', 'cloudberry'] as const) {
  test(`${TITLES[kind]}: as expected but for what a stand-in lacks; all is removed`, {
    skip: withoutStandIn(kind),
  }, async (t) => {
    const database = await greenplumDatabase(t, kind, 'on')
    // Heaps under the name that Greenplum gives append-optimised tables.
    if (kind !== '6') await database.query('CREATE ACCESS METHOD ao_row TYPE TABLE HANDLER heap_tableam_handler')
    const { server, findings, leftBehind } = await checkServer(database.url, LOGIN, QUIET, new AbortController().signal)
    assert.equal(server.kind, TITLES[kind])
    // Its catalogue knows nothing of segments, nor its kernel of the partitions of 6.
    assert.deepEqual(differing(findings), kind === '6' ? ['G-07', 'G-13'] : ['G-07'])
    assert.equal(findings.length, 29)
    assert.equal(leftBehind, null)
    assert.deepEqual(await database.query("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'cdc_relay_check%'"), [])
    const [deadlocks, refused] = partition(database.takeRefusals(), (what) => what.startsWith('not refused'))
    assert.equal(refused.length, kind === '6' ? 6 : 3, refused.join('\n'))
    // G-11 locks on purpose as two writers should not.
    assert.equal(deadlocks.length, 2, deadlocks.join('\n'))
  })
}

for (const kind of ['6', '7', 'cloudberry'] as const) {
  const skip = isRealGreenplum ? withoutGreenplum(kind) : 'needs a Greenplum, named by CDC_TEST_GREENPLUM'
  test(`a real ${TITLES[kind]}: as expected; all is removed`, { skip }, async (t) => {
    const database = await greenplumDatabase(t, kind)
    const { findings, leftBehind } = await checkServer(database.url, LOGIN, QUIET, new AbortController().signal)
    assert.deepEqual(differing(findings), [])
    assert.equal(findings.length, 29)
    assert.equal(leftBehind, null)
    // G-11 locks on purpose as two writers should not.
    database.takeRefusals()
  })
}

test('locks that are not as the deadlock detector says are found', { skip: withoutStandIn('7') }, async (t) => {
  // The stand-in only says that the detector is off: its PostgreSQL locks rows all the same.
  const database = await greenplumDatabase(t, '7', 'off')
  await database.query('CREATE ACCESS METHOD ao_row TYPE TABLE HANDLER heap_tableam_handler')
  const { findings } = await checkServer(database.url, LOGIN, QUIET, new AbortController().signal)
  assert.deepEqual(differing(findings), ['G-07', 'G-10', 'G-11'])
  database.takeRefusals()
})

const differing = (findings: readonly { id: string; verdict: string }[]): string[] =>
  findings.filter(({ verdict }) => verdict === 'differs').map(({ id }) => id)

const partition = <T>(all: readonly T[], isFirst: (one: T) => boolean): readonly [T[], T[]] => [
  all.filter(isFirst),
  all.filter((one) => !isFirst(one)),
]
