import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { Gpss } from '../../support/gpss/server.ts'
import type { GpssSettings } from '../../support/gpss/settings.ts'
import { startKinesalite } from '../../support/kinesis/kinesalite.ts'
import { type Random, seededRandom } from '../../support/life/random.ts'
import { startRelay } from '../../support/processes/relay-process.ts'
import { gpssPlace } from '../../support/targets/gpss-target.ts'
import type { Query } from '../../support/targets/sql-target.ts'
import { volume } from '../../support/volume.ts'
import { type Feed, writeFeed } from './feed.ts'
import { logProblems, type Repeats } from './log-truth.ts'
import { mirrorOptions, mirrorProblems } from './mirror-truth.ts'
import { StoredPositions } from './stored-positions.ts'

/** A stream that is full, and a GPSS over an empty database. */
export interface Scene {
  readonly feed: Feed
  readonly server: Gpss
  readonly query: Query
  readonly positions: StoredPositions
  /** Of the program that drains the stream through the server. */
  readonly args: readonly string[]
}

/** Makes what makes the trouble, and shows the calls of the server to `positions`. */
export type Troublemaker<T> = (random: Random, positions: StoredPositions) => T

/** Small, so that there are many batches for something to happen in. */
const BATCH = ['--batch-records', '15']

/** @param parameters of the sink's URL */
export async function newScene<T extends { readonly settings: GpssSettings }>(
  t: TestContext,
  seed: number,
  mode: 'mirror' | 'append',
  make: Troublemaker<T>,
  parameters = '',
): Promise<Scene & { readonly trouble: T }> {
  const kinesis = await startKinesalite()
  t.after(() => kinesis.close())
  const feed = await writeFeed(kinesis, seed)
  const folder = await mkdtemp(join(tmpdir(), 'cdc-relay-state-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const stateFile = join(folder, 'state.json')
  const positions = new StoredPositions(stateFile)
  const trouble = make(seededRandom(seed + 1), positions)
  const place = await gpssPlace(trouble.settings)
  t.after(() => place.close())
  const args = [
    ...['run', '--source', feed.stream, '--endpoint-url', kinesis.endpoint, '--until-latest'],
    ...['--sink', `${place.url}${parameters}`, '--mode', mode],
    ...['--state', `file:${stateFile}`, '--dead-letters', `file:${join(folder, 'dead-letters.jsonl')}`],
    ...['--on-error', 'stop', '--before-image-field', feed.dms.endpoint.beforeImageField],
    ...(mode === 'mirror' ? mirrorOptions(feed) : []),
    ...BATCH,
  ]
  return { feed, server: place.server, query: (text) => place.database.query(text), positions, args, trouble }
}

export async function assertMirror({ query, feed }: Scene): Promise<void> {
  assert.deepEqual((await mirrorProblems(query, feed)).slice(0, 5), [])
  assert.ok(feed.orders.wrongIfLastWins() > 0, 'a naive mirror would be right, too')
}

export async function assertLog({ query, feed, positions }: Scene, repeats: Repeats): Promise<void> {
  assert.deepEqual((await logProblems(query, feed, positions, repeats)).slice(0, 5), [])
}

/** Once more: that run finds nothing to do. */
export async function assertDone({ args }: Scene): Promise<void> {
  const end = await startRelay(args).ended
  assert.equal(end.exitCode, 0, end.stderr)
  const { read, applied } = JSON.parse(end.stdout)
  assert.deepEqual({ read, applied }, { read: 0, applied: 0 })
}

/**
 * Each kind comes in both modes in the long run. In the short one those that both modes have are dealt out to them in turn;
 * the seed says which mode begins.
 */
export function kindsOf<Kind>(
  mode: 'mirror' | 'append',
  kinds: readonly Kind[],
  ofMirror: ReadonlySet<Kind>,
  seed: number,
): Kind[] {
  const ofBoth = kinds.filter((kind) => !ofMirror.has(kind))
  const turn = mode === 'mirror' ? seed : seed + 1
  const dealt = new Set(ofBoth.filter((_, index) => volume((index + turn) % 2 === 0, true)))
  return kinds.filter((kind) => dealt.has(kind) || (mode === 'mirror' && ofMirror.has(kind)))
}

/** The planned kinds of kills or troubles, all of them. */
export function assertCame<Kind>(planned: readonly Kind[], came: ReadonlyMap<Kind, number>): void {
  for (const kind of planned) assert.ok(came.has(kind), `"${kind}" never came`)
}
