import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { Rewound, Written } from '../../../src/batch.ts'
import type { StreamChange } from '../../../src/change.ts'
import { batchOf, claimOf } from '../../support/changes.ts'
import type { GpssSettings } from '../../support/gpss/settings.ts'
import type { GpssSinkOptions } from '../../support/targets/gpss-sink.ts'
import { type GpssPlace, gpssPlace } from '../../support/targets/gpss-target.ts'

/** A place whose columns print instants as UTC. */
export async function appendPlace(settings: GpssSettings = {}): Promise<GpssPlace> {
  const place = await gpssPlace(settings)
  await place.database.query(`ALTER DATABASE ${place.database.name} SET TimeZone = 'UTC'`)
  return place
}

export interface Log {
  /** Writes a batch. What it gives writes the same batch again, if it failed. */
  batch(changes: readonly StreamChange[]): () => Promise<Written | Rewound>
  /** Detail of each dead letter. */
  deadLetters(): Promise<string[]>
}

let logs = 0

/** A sink of a test's own over the place, in append mode; the positions are no matter of it. */
export async function openLog(t: TestContext, place: GpssPlace, options: Partial<GpssSinkOptions> = {}): Promise<Log> {
  const relay = `relay-${++logs}`
  const deadLetters = join(place.folder, `${relay}.jsonl`)
  const sink = place.sink({ mode: 'append', store: null, relay, deadLetters, ...options })
  t.after(sink.close)
  const { signal } = new AbortController()
  await sink.open(claimOf({ name: relay }), signal)
  return {
    batch(changes) {
      const write = sink.prepare(batchOf({ changes }))
      return () => write(signal)
    },
    async deadLetters() {
      const lines = (await readFile(deadLetters, 'utf8').catch(() => '')).split('\n').slice(0, -1)
      return lines.map((line) => (JSON.parse(line) as { detail: string }).detail)
    },
  }
}

/** Every row of a table in the order of arrival, each column as the database prints it. */
export async function printed(place: GpssPlace, table: string): Promise<Record<string, string | null>[]> {
  const columns = await place.database.query<{ name: string }>(
    `SELECT quote_ident(attname) AS name FROM pg_attribute
      WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped`,
    [table],
  )
  const texts = columns.map(({ name }) => `${name}::text AS ${name}`)
  return await place.database.query(`SELECT ${texts.join(', ')} FROM ${table} ORDER BY ctid`)
}
