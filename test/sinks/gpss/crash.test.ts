import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { test } from 'node:test'
import type { GpssSettings, Moment } from '../../support/gpss/settings.ts'
import { type GpssPlace, gpssPlace } from '../../support/gpss-target.ts'
import { mirrorRows } from '../../support/sql-target.ts'
import { crashBatch } from './crash-batch.ts'

/** The relay is killed at some moments of the server, started again each time, and comes to its end. */
const BATCHES = 8
const KILLS = 2
const WRITER = join(import.meta.dirname, 'crash-writer.ts')

const moments: readonly { when: `${string}/${Moment}`; settings: GpssSettings }[] = [
  { when: 'Close/before commit', settings: {} },
  { when: 'Close/after commit', settings: {} },
  { when: 'Close/after commit', settings: { postSql: 'outside', preSql: 'outside' } },
  { when: 'Write/end', settings: {} },
]

for (const mode of ['mirror', 'append'] as const) {
  for (const { when, settings } of moments) {
    if (mode === 'append' && (settings.postSql !== undefined || when === 'Write/end')) continue
    const how = settings.postSql === undefined ? '' : ', SQL behind the commit'
    test(`${mode}: the relay is killed at ${when}${how}`, async (t) => {
      let child: ChildProcess | undefined
      let kills = 0
      let seen = 0
      const place = await gpssPlace({
        ...settings,
        fault({ call, moment }) {
          // The first loads of a run make the tables; each run gets further than the one before it.
          if (`${call.method}/${moment}` !== when || kills === KILLS || ++seen % 7 !== 0) return undefined
          kills++
          child!.kill('SIGKILL')
          return undefined
        },
      })
      t.after(async () => {
        child?.kill('SIGKILL')
        await place.close()
      })
      for (let ended = false; !ended; ) {
        child = spawn(process.execPath, [WRITER, place.url, place.folder, mode, `${BATCHES}`], {
          stdio: ['ignore', 'ignore', 'inherit'],
        })
        const [exitCode, signal] = (await once(child, 'exit')) as [number | null, string | null]
        ended = signal === null
        if (ended) assert.equal(exitCode, 0)
      }
      assert.equal(kills, KILLS)
      await (mode === 'mirror' ? checkMirror(place) : checkLog(place))
    })
  }
}

const TABLES = ['orders', 'others']

async function checkMirror({ database }: GpssPlace): Promise<void> {
  for (const table of TABLES) {
    const last = new Map<unknown, string>()
    for (let n = 1; n <= BATCHES; n++) {
      for (const {
        key,
        after,
        version,
        table: { name },
      } of crashBatch(n)) {
        if (name !== table || Number(version) < Number(last.get(key!.id)?.split(' ')[0] ?? 0)) continue
        last.set(key!.id, `${version} ${after === null ? 'deleted' : `alive ${String(key!.id)}`}`)
      }
    }
    const expected = [...last.values()].filter((state) => !state.endsWith('deleted')).sort()
    const rows = await mirrorRows((text) => database.query(text), { schema: null, name: table }, 'soft')
    assert.deepEqual(rows.map(({ key, version }) => `${version} alive ${key.id}`).sort(), expected, table)
  }
}

/** Each batch of a table is there as a whole, once or several times, and its records say which one it is. */
async function checkLog({ database }: GpssPlace): Promise<void> {
  for (const table of TABLES) {
    const rows = await database.query<{ sequence: string; version: string; count: string }>(
      `SELECT data->'source'->>'sequence' AS sequence, data->>'version' AS version, count(*) FROM ${table} GROUP BY 1, 2`,
    )
    for (let n = 1; n <= BATCHES; n++) {
      const batch = rows.filter(({ sequence }) => sequence === `${n}`)
      const versions = crashBatch(n).flatMap(({ version, table: { name } }) => (name === table ? [version] : []))
      assert.deepEqual(batch.map(({ version }) => version).sort(), versions.sort(), `batch ${n} of ${table}`)
      assert.equal(new Set(batch.map(({ count }) => count)).size, 1, `batch ${n} of ${table} is repeated as a whole`)
    }
  }
}
