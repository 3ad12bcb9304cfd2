import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { DmsLife } from '../../support/dms-life/dms-life.ts'
import { pgliteFolder } from '../../support/postgres/pglite.ts'
import { testDatabase } from '../../support/postgres/postgres.ts'
import { volume } from '../../support/volume.ts'
import { type Forced, naiveErrors, newPlay, type Play } from './play.ts'
import { type Place, type Played, playedLife } from './played-life.ts'
import { runSeed } from './run-seed.ts'

/**
 * Lives of DMS tables, each delivered in some way, through the relay into a database: it must end as the source did.
 * CDC_LIVES=500 plays so many into PostgreSQL and an eighth of that into PGlite; CDC_SEED=123 begins with the life of
 * that seed. Each life is the one of its own seed, whatever came before it.
 */
const LIVES = Number(process.env.CDC_LIVES ?? volume(13, 52))
const firstSeed = runSeed()

const WIDENED: Forced = { story: { widenColumns: true, reload: 'with-drop-table' } }

/** What must not be left to chance; the rest of each life is drawn by lot. */
const STORIES: readonly Forced[] = [
  { story: { reload: 'with-drop-table', gap: true } },
  { story: { reload: 'without-drop-table', gap: true } },
  { story: { reload: 'with-drop-table', gap: false }, interleaving: 'loads-last', shards: 8 },
  { interleaving: 'changes-last', shards: 8, task: { parallelApply: false } },
  { interleaving: 'shuffled', shards: 8, task: { parallelApply: true }, story: { moves: 0.8, deletes: 0.3 } },
  { interleaving: 'by-time', story: { resumes: 4 }, endpoint: { includeTransactionDetails: 'off' } },
  { endpoint: { includeNullAndEmpty: false } },
  { interleaving: 'controls-last', story: { addColumns: true }, endpoint: { includeTableAlterOperations: true } },
  { endpoint: { includeControlDetails: false } },
  {
    ...WIDENED,
    interleaving: 'by-time',
    shards: 8,
    help: 'little',
    endpoint: { includeTableAlterOperations: true, includeControlDetails: true },
  },
  { ...WIDENED, interleaving: 'shuffled', shards: 8, help: 'ready-made tables' },
  { interleaving: 'shuffled', shards: 8, help: 'little', endpoint: { includeControlDetails: true } },
  { interleaving: 'by-time', shards: 2, help: 'little', endpoint: { includeControlDetails: true } },
]

test(`any life, delivered in any way, ends in PostgreSQL as at the source (seeds from ${firstSeed})`, async (t) => {
  await playLives(t, LIVES, async () => {
    const { url, query, drop } = await testDatabase()
    return { url, query: (text) => query(text), release: async () => {}, close: drop }
  })
})

test(`any life, delivered in any way, ends in PGlite as at the source (seeds from ${firstSeed})`, async (t) => {
  await playLives(t, Math.ceil(LIVES / 8), async () => {
    const { url, query, release, empty } = await pgliteFolder()
    return { url, query: (text) => query(text), release, close: empty }
  })
})

async function playLives(t: TestContext, lives: number, open: () => Promise<Place & { close(): Promise<void> }>) {
  const tally = new Map<string, number>()
  const wrong: string[] = []
  let naiveFailures = 0
  for (let seed = firstSeed; seed < firstSeed + lives; seed++) {
    const play = newPlay(seed, STORIES[seed % STORIES.length]!)
    const place = await open()
    try {
      const played = await playedLife(play, place)
      if (played.problems.length > 0) wrong.push(`${labelOf(play)}: ${played.problems.slice(0, 3).join('; ')}`)
      count(tally, play, played)
    } catch (error) {
      throw new Error(labelOf(play), { cause: error })
    } finally {
      await place.close()
    }
    if (naiveErrors(play) > 0) naiveFailures++
  }
  tellShares(t, tally, lives)
  t.diagnostic(`seeds from ${firstSeed}; a mirror of the last arrival is wrong in ${naiveFailures} of ${lives} lives`)
  assert.deepEqual(wrong, [])
  // Of a few lives nothing can be asked.
  if (lives < 4 * STORIES.length) return
  for (const name of MUST_OCCUR) assert.ok((tally.get(name) ?? 0) > 2, name)
  assert.ok(naiveFailures > lives / 2, 'a mirror of the last arrival is right, too, in most lives')
}

function labelOf({ seed, life, delivery: _, ...play }: Play): string {
  const { story, endpoint, task } = life
  return `seed ${seed} ${JSON.stringify({ ...play, story, endpoint, task })}`
}

/** Records by what is hard about them, and lives by what happens in them. */
function count(
  tally: Map<string, number>,
  { life, delivery, how, settings, missingColumns, help, interruptions }: Play,
  played: Played,
) {
  const add = (name: string, number: number) => tally.set(name, (tally.get(name) ?? 0) + number)
  for (const [name, number] of Object.entries({ ...life.figures, ...delivery.figures })) add(name, number)
  for (const [name, number] of Object.entries(played.ledger.counts())) if (name !== 'read') add(name, number)
  add('pages deferred', played.deferred)
  add('interruptions', interruptions.length)
  const kinds = [`on ${how.shards} shards`, how.interleaving, `missing columns ${missingColumns}`, `operator: ${help}`]
  kinds.push(`deletes ${settings.deletes}`, `on reload ${settings.onReload}`, ...kindsOf(life))
  if (played.deferred > 0) kinds.push('rows waiting for a key')
  for (const kind of kinds) add(ofLife(kind), 1)
}

const LIFE = 'lives: '

/** At least a few times, unless there are few lives. */
const MUST_OCCUR = [
  ...['late', 'overtakenLoads', 'beforeCreateTable', 'spreadTables', 'spreadRows', 'moves', 'reusedKeys', 'repeats'],
  ...['cachedAndLoaded', 'unseen', 'partialImages', 'partialMoves', 'leftOut', 'pages deferred', 'interruptions'],
  ...[
    'reload with-drop-table',
    'reload without-drop-table',
    'a gap',
    'resumes',
    'added columns',
    'widened columns',
  ].map(ofLife),
  ...['nulls omitted', 'nulls included', 'no control details', 'rows waiting for a key', 'missing columns auto'].map(
    ofLife,
  ),
  ...['transaction details off', 'changes by primary key', 'changes by table'].map(ofLife),
]

function ofLife(kind: string): string {
  return `${LIFE}${kind}`
}

const kindsOf = ({ endpoint, task, story }: DmsLife): string[] => [
  `reload ${story.reload}`,
  ...(story.gap && story.reload !== 'none' ? ['a gap'] : []),
  ...(story.resumes > 0 ? ['resumes'] : []),
  ...(story.addColumns ? ['added columns'] : []),
  ...(story.widenColumns ? ['widened columns'] : []),
  `nulls ${endpoint.includeNullAndEmpty ? 'included' : 'omitted'}`,
  ...(endpoint.includeControlDetails ? [] : ['no control details']),
  `transaction details ${endpoint.includeTransactionDetails}`,
  `changes by ${task.parallelApply ? 'primary key' : 'table'}`,
]

function tellShares(t: TestContext, tally: ReadonlyMap<string, number>, lives: number): void {
  const records = tally.get('records')!
  const told = (ofLives: boolean) =>
    [...tally]
      .filter(([name]) => name.startsWith(LIFE) === ofLives)
      .map(([name, number]) => {
        const share = ((100 * number) / (ofLives ? lives : records)).toFixed(1)
        return `${name.replace(LIFE, '')} ${number} (${share} %)`
      })
  t.diagnostic(`records: ${told(false).join(', ')}`)
  t.diagnostic(`lives: ${told(true).join(', ')}`)
}
