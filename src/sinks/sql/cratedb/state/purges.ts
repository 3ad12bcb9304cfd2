import { sql } from 'kysely'
import { parseJson } from '../../../../parse-json.ts'
import type { Database } from '../../../tables/database.ts'
import type { Target } from '../../../tables/target.ts'
import type { Sample } from './samples.ts'
import { theRow } from './written-rows.ts'

/** What is remembered of a target in `cdc_relay.purges`. */
export interface Purge {
  /** Oldest first. */
  readonly samples: readonly Sample[]
  /** Rows of older versions are to go, since a reload; null if none are. */
  readonly sweepBelow: string | null
  /** When that was said, epoch ms. */
  readonly sweptAt: number | null
}

export async function readPurge(db: Database, { schema, name }: Target): Promise<Purge> {
  const { rows } = await sql<{ samples: string | null; sweep_below: string | null; swept_at: string | null }>`
    SELECT "samples", "sweep_below", "swept_at" FROM "cdc_relay"."purges"
    WHERE "target_schema" = ${schema} AND "target_table" = ${name}`.execute(db)
  const { samples = null, sweep_below: sweepBelow = null, swept_at = null } = rows[0] ?? {}
  return {
    samples: samples === null ? [] : (parseJson(samples) as Sample[]),
    sweepBelow,
    sweptAt: swept_at === null ? null : Number(swept_at),
  }
}

/** Writes what is given, and leaves the rest as it is. */
export async function writePurge(db: Database, { schema, name }: Target, purge: Partial<Purge>): Promise<void> {
  const values = [
    ...(purge.samples === undefined ? [] : [{ id: sql.id('samples'), value: JSON.stringify(purge.samples) }]),
    ...(purge.sweepBelow === undefined ? [] : [{ id: sql.id('sweep_below'), value: purge.sweepBelow }]),
    ...(purge.sweptAt === undefined ? [] : [{ id: sql.id('swept_at'), value: purge.sweptAt }]),
  ]
  const { rows } = await sql`
    INSERT INTO "cdc_relay"."purges" ("target_schema", "target_table", ${sql.join(values.map(({ id }) => id))})
    VALUES (${schema}, ${name}, ${sql.join(values.map(({ value }) => value))})
    ON CONFLICT ("target_schema", "target_table")
    DO UPDATE SET ${sql.join(values.map(({ id }) => sql`${id} = excluded.${id}`))}
    RETURNING "target_table"`.execute(db)
  theRow(rows, 'cdc_relay.purges')
}
