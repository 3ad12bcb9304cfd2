import { createHash } from 'node:crypto'
import { type RawBuilder, sql } from 'kysely'
import type { Database, Statement } from '../../tables/database.ts'
import type { UnsureColumn } from '../../tables/refused-values.ts'

/**
 * Which of the texts the column does not take, by their places. All are tried in one statement, by a function that turns an
 * error into an answer: `pg_input_is_valid` is of PostgreSQL 16, and fails where the type's own function does, which those
 * of extensions do. What it catches is about the value, unless it says that it is about something else.
 *
 * The function lasts for the session. To make it takes the right TEMPORARY on the database.
 */
export async function refusedTexts(
  to: Database,
  column: UnsureColumn,
  texts: readonly string[],
): Promise<readonly number[]> {
  const takes = await functionFor(to, column)
  return await places(
    to,
    sql`SELECT (given.place - 1)::int AS place
      FROM json_array_elements_text(${JSON.stringify(texts)}::json) WITH ORDINALITY AS given(text, place)
      WHERE NOT ${takes}(given.text)`,
  )
}

export async function places(to: Database, statement: RawBuilder<unknown>): Promise<readonly number[]> {
  const { rows } = await (statement as RawBuilder<{ place: number }>).execute(to)
  return rows.map(({ place }) => place)
}

/** The name of a function text → boolean, made if this session has it not yet. */
export async function functionFor(
  to: Database,
  { declared, travelsAs, castTo }: Pick<UnsureColumn, 'declared' | 'travelsAs' | 'castTo'>,
): Promise<Statement> {
  const types = JSON.stringify([declared, travelsAs, castTo])
  const name = `cdc_relay_takes_${createHash('sha256').update(types).digest('hex').slice(0, 16)}`
  const found = await sql`SELECT 1 FROM pg_catalog.pg_proc
    WHERE pronamespace = pg_catalog.pg_my_temp_schema() AND proname = ${name}`.execute(to)
  if (found.rows.length === 0) {
    const travelling = `given::${travelsAs}${castTo === null ? '' : `::${castTo}`}`
    // The value is given to a variable as it would be to the column: with the checks of its domain, not cut, nor rounded.
    const body = `BEGIN
        DECLARE held ${declared} := ${travelling}; BEGIN RETURN true; END;
      EXCEPTION WHEN OTHERS THEN
        IF SQLSTATE ~ '^(08|40|53|55|57|58)' THEN RAISE; END IF;
        RETURN false;
      END`
    await sql`CREATE FUNCTION pg_temp.${sql.id(name)}(given text) RETURNS boolean
      LANGUAGE plpgsql AS ${sql.lit(body)}`.execute(to)
  }
  return sql`pg_temp.${sql.id(name)}`
}
