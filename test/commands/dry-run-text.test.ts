import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dryRunText } from '../../src/commands/dry-run-text.ts'
import { RelayError } from '../../src/errors.ts'
import type { PreviewedTable } from '../../src/sinks/preview.ts'

const BEGINS = { version: '1', name: 'shop', start: 'latest' }
const STATE = { title: 'PostgreSQL', seen: null, claimed: null, ownTables: [] }
const RULES = { onError: 'dead-letter', onTableTrouble: 'park' } as const
const TABLE: PreviewedTable = {
  source: 'app.x',
  changes: 1,
  definitions: [],
  writes: [],
  refused: [],
  setAside: new Map(),
  notFollowed: 0,
  trouble: null,
}

test('names of the source cannot leave their comment', () => {
  const source = 'a\nDROP TABLE x;\rDROP TABLE y;\r\nDROP TABLE z'
  const trouble = new RelayError('SINK_TABLE', `"${source}" does not fit`)
  const tables = [{ ...TABLE, source, trouble, writes: [{ rows: 1, statements: [`INSERT INTO "${source}"`] }] }]
  const batch = { read: 1, skips: new Map([[source, 1]]), deadLetters: [] }
  const lines = dryRunText({ ...BEGINS, name: source }, STATE, { batch, tables }, RULES).split(/[\n\r]/)
  assert.deepEqual(
    lines.filter((line) => line !== '' && !line.startsWith('-- ')),
    [],
  )
})

test('statements stand outside of comments, and end', () => {
  const tables = [{ ...TABLE, definitions: ['CREATE TABLE a (\n      b int)'], notFollowed: 2 }]
  const batch = { read: 2, skips: new Map(), deadLetters: [] }
  assert.equal(
    dryRunText(BEGINS, { ...STATE, ownTables: ['CREATE SCHEMA cdc_relay'] }, { batch, tables }, RULES),
    `-- cdc-relay 1, dry run: nothing was written
-- The relay "shop" on PostgreSQL: it is new there, and begins at latest

-- The relay's own tables
CREATE SCHEMA cdc_relay;

-- The first batch: 2 changes read

-- Table app.x: 1 change
CREATE TABLE a (
  b int);
-- 2 changes of the table's definition would not be followed
`,
  )
})

test('a source that gives nothing', () => {
  assert.match(dryRunText(BEGINS, STATE, null, RULES), /\n-- The source has nothing to give now\n$/)
})
