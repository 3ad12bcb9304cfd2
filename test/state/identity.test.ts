import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RelayIdentity } from '../../src/batch.ts'
import { claimedSettings, compareIdentity, requireSameIdentity } from '../../src/state/identity.ts'
import { keptBy } from '../../src/state/keeper.ts'
import type { TableFilter } from '../../src/table-pattern.ts'

const NOW = '2026-11-30T20:00:00.000Z'

const STORED: RelayIdentity = {
  name: 'orders',
  stream: { id: 'arn:orders', created: '2026-01-01T00:00:00Z', retentionMs: 1 },
  start: null,
  settings: { mode: 'mirror', table: '' },
}

const cases: {
  title: string
  stored?: Partial<RelayIdentity>
  claimed: Partial<RelayIdentity>
  differences: string[]
}[] = [
  { title: 'the same', claimed: {}, differences: [] },
  { title: 'another retention', claimed: { stream: { ...STORED.stream, retentionMs: null } }, differences: [] },
  {
    title: 'another name',
    claimed: { name: 'x' },
    differences: ['they are of the relay "orders", this one is "x"'],
  },
  {
    title: 'another stream: its creation time is no further news',
    claimed: { stream: { id: 'arn:x', created: 'x', retentionMs: 1 } },
    differences: ['they are of the stream arn:orders, not of arn:x'],
  },
  {
    title: 'a stream created again',
    claimed: { stream: { ...STORED.stream, created: '2026-02-02T00:00:00Z' } },
    differences: ['arn:orders is not what it was: created 2026-01-01T00:00:00Z then, 2026-02-02T00:00:00Z now'],
  },
  {
    title: 'a file that grew',
    claimed: { stream: { ...STORED.stream, created: 'x', isSameAs: (created) => created === STORED.stream.created } },
    differences: [],
  },
  {
    title: 'a file that says no, though the text is equal',
    claimed: { stream: { ...STORED.stream, isSameAs: () => false } },
    differences: ['arn:orders is not what it was: created 2026-01-01T00:00:00Z then, 2026-01-01T00:00:00Z now'],
  },
  { title: 'earliest, said later', claimed: { start: 'earliest' }, differences: [] },
  { title: 'no start goes on', stored: { start: 'latest' }, claimed: { start: null }, differences: [] },
  { title: 'the same start', stored: { start: 'latest' }, claimed: { start: 'latest' }, differences: [] },
  {
    title: 'another start',
    stored: { start: 'latest' },
    claimed: { start: 'earliest' },
    differences: ['the first run began with --start latest, now it is --start earliest'],
  },
  {
    title: 'a start where there was none',
    claimed: { start: 'latest' },
    differences: ['the first run began with --start earliest, now it is --start latest'],
  },
  {
    title: 'other settings, each one',
    claimed: { settings: { mode: 'append', layout: 'document', table: 'a=b' } },
    differences: [
      '--mode was mirror and is append',
      '--table was not set and is a=b',
      '--layout was not set and is document',
    ],
  },
  {
    title: 'a setting that is not set, absent or empty',
    claimed: { settings: { mode: 'mirror', key: '' } },
    differences: [],
  },
  {
    title: 'a state of before there was a choice of layouts',
    stored: { settings: { mode: 'mirror', layout: 'document' } },
    claimed: { settings: { mode: 'mirror', layout: '', 'missing-columns': '' } },
    differences: [],
  },
  {
    title: 'such a state, and the other layout',
    stored: { settings: { mode: 'mirror', layout: 'document' } },
    claimed: { settings: { mode: 'mirror', layout: 'columns', 'missing-columns': '' } },
    differences: ['--layout was document and is columns'],
  },
  {
    title: 'a layout that was chosen and is not any more',
    stored: { settings: { mode: 'mirror', layout: 'document', 'missing-columns': '' } },
    claimed: { settings: { mode: 'mirror', layout: '', 'missing-columns': '' } },
    differences: ['--layout was document and is not set'],
  },
]

for (const { title, stored, claimed, differences } of cases) {
  test(`identity: ${title}`, () => {
    assert.deepEqual(compareIdentity({ ...STORED, ...stored }, { ...STORED, ...claimed }), differences)
  })
}

const changes: {
  title: string
  settings: RelayIdentity['settings']
  wanted?: TableFilter
  refused?: RegExp
  changed?: string[]
}[] = [
  { title: 'nothing', settings: STORED.settings, changed: [] },
  {
    title: 'what each table has of its own',
    settings: { mode: 'mirror', table: 'a=b', layout: 'columns', deletes: 'soft' },
    changed: [
      '--table was not set and is a=b',
      '--layout was not set and is columns',
      '--deletes was not set and is soft',
    ],
  },
  {
    title: 'the mode beside it',
    settings: { mode: 'append', table: 'a=b' },
    refused: /do not belong to what is run now: --mode was mirror and is append\. To begin again/,
  },
  { title: 'what only somebody else knows', settings: { ...STORED.settings, filter: 'x' }, refused: /--filter/ },
  {
    title: 'which tables are wanted',
    settings: { ...STORED.settings, exclude: 'a' },
    wanted: { include: [], exclude: ['a'] },
    changed: ['--exclude was not set and is a'],
  },
  {
    title: 'which tables are wanted, where nobody says it as patterns',
    settings: { ...STORED.settings, exclude: 'a' },
    refused: /--exclude was not set and is a/,
  },
]

for (const { title, settings, wanted, refused, changed } of changes) {
  test(`a claim that changes: ${title}`, () => {
    const relay = { ...STORED, settings }
    const claim = { relay, takeOver: false, ...(wanted && { wanted }) }
    const claimed = (): unknown => claimedSettings(STORED, claim, 'delete the file x', NOW).changed
    if (refused !== undefined) assert.throws(claimed, { code: 'STATE_DIFFERS', message: refused })
    else assert.deepEqual(claimed(), changed)
  })
}

test('a name under an engine is not claimed without being taken over', () => {
  const stored = keptBy('engine', STORED)
  assert.throws(() => claimedSettings(stored, { relay: STORED, takeOver: false }, 'x', NOW), { code: 'CONFIGURATION' })
  const { settings } = claimedSettings(stored, { relay: STORED, takeOver: true }, 'x', NOW)
  assert.deepEqual(settings, STORED.settings)
})

test('identity: one message has all differences and how to begin again', () => {
  const claimed = { ...STORED, start: 'latest', settings: { mode: 'append' } }
  assert.throws(() => requireSameIdentity(STORED, claimed, 'delete the file x'), {
    code: 'STATE_DIFFERS',
    message: /--start latest; --mode was mirror and is append\. To begin again on purpose, delete the file x/,
  })
  requireSameIdentity(STORED, STORED, 'never shown')
})
