import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sql } from 'kysely'
import { partsOf, pendingSteps, type SchemaStep } from '../../../src/sinks/sql/schema-steps.ts'

const [SCHEMA, RELAYS, LESSONS, COLUMN, MOVED] = Array.from({ length: 5 }, (_, i) => sql`${sql.lit(i)}`)
const STEPS: readonly SchemaStep[] = [
  { about: 'begin', makes: { schema: SCHEMA!, relays: RELAYS! } },
  { about: 'learn', makes: { lessons: LESSONS! } },
  { about: 'move', makes: { 'relays.moved': COLUMN! }, changes: [MOVED!] },
]

const pending = (version: number | null, parts: readonly string[]) =>
  pendingSteps(STEPS, { version, parts: new Set(parts) }).map(({ version, statements }) => [version, statements])

test('each step is done in order, and what is there is not made again', () => {
  const all = partsOf(STEPS)
  assert.deepEqual(all, ['schema', 'relays', 'lessons', 'relays.moved'])
  const cases: readonly [what: string, found: unknown, steps: unknown][] = [
    [
      'nothing is there',
      pending(null, []),
      [
        [1, [SCHEMA, RELAYS]],
        [2, [LESSONS]],
        [3, [COLUMN, MOVED]],
      ],
    ],
    [
      'the schema alone',
      pending(null, ['schema']),
      [
        [1, [RELAYS]],
        [2, [LESSONS]],
        [3, [COLUMN, MOVED]],
      ],
    ],
    [
      'made before versions were recorded',
      pending(null, ['schema', 'relays', 'lessons']),
      [
        [1, []],
        [2, []],
        [3, [COLUMN, MOVED]],
      ],
    ],
    ['version 2', pending(2, ['schema', 'relays', 'lessons']), [[3, [COLUMN, MOVED]]]],
    ['a crash behind what step 3 makes', pending(2, all), [[3, [MOVED]]]],
    ['version 3', pending(3, all), []],
    ['version 3, of which a table was dropped', pending(3, ['schema', 'relays', 'relays.moved']), [[2, [LESSONS]]]],
    ['version 3, of which a column was dropped', pending(3, ['schema', 'relays', 'lessons']), [[3, [COLUMN]]]],
  ]
  for (const [what, found, steps] of cases) assert.deepEqual(found, steps, what)
})

test('tables of a version that this program does not know are left alone, whatever they hold', () => {
  assert.throws(() => pending(4, []), {
    code: 'STATE_NEWER',
    detail: "The relay's own tables in cdc_relay have version 4; this cdc-relay knows them up to version 3",
    message: /Run the newer cdc-relay/,
  })
})
