import { sql } from 'kysely'
import type { Database } from '../../tables/database.ts'
import type { UnsureColumn } from '../../tables/refused-values.ts'
import { copyField } from '../postgresql/copy-in.ts'
import { functionFor, places } from '../postgresql/refused-texts.ts'
import type { Kernel } from './kernel.ts'

/**
 * As PostgreSQL does it, but on the segments: each try is a subtransaction, of which the coordinator tells all segments,
 * and a segment nobody.
 */
export const refusedTextsOf =
  (kernel: Kernel) =>
  async (to: Database, column: UnsureColumn, texts: readonly string[]): Promise<readonly number[]> => {
    const takes = await functionFor(to, column)
    await sql`CREATE TEMP TABLE IF NOT EXISTS cdc_relay_given (place int, text text)
      ${kernel.heap(100)} ON COMMIT DELETE ROWS DISTRIBUTED BY (place)`.execute(to)
    const lines = texts.map((text, place) => `${place}\t${copyField(text)}\n`).join('')
    await sql`COPY cdc_relay_given (place, text) FROM STDIN ${lines}`.execute(to)
    const refused = await places(to, sql`SELECT place FROM cdc_relay_given WHERE NOT ${takes}(text)`)
    await sql`DELETE FROM cdc_relay_given`.execute(to)
    return refused
  }
