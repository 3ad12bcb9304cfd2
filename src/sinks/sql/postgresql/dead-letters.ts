import { sql } from 'kysely'
import { type DeadLetter, recordToJson, tableLabel } from '../../../change.ts'
import { parseJson } from '../../../parse-json.ts'
import type { Database } from '../../tables/database.ts'
import { bySqlState } from '../failures.ts'
import { lockKey } from './lock-key.ts'
import { transactionWriting } from './writing.ts'

/**
 * Keeps dead letters in the batch's transaction. One is open as long as its row is there.
 *
 * What the target refused may be no `jsonb` either (a number of more digits than it takes): such a change is kept as the
 * text of its JSON.
 */
export async function keepDeadLetters(
  trx: Database,
  name: string,
  all: readonly DeadLetter[],
  isShared = false,
): Promise<void> {
  const letters = isShared ? await notYetKept(trx, name, all) : all
  if (letters.length === 0) return
  const { part } = transactionWriting
  try {
    await part(trx, 0, () => insert(trx, name, letters.map(recordToJson), letters))
  } catch (error) {
    if (!(error instanceof Error) || bySqlState.meaning(error).blame !== 'row') throw error
    for (const letter of letters) {
      await part(trx, 0, () => insert(trx, name, [recordToJson(letter)], [letter])).catch((error: unknown) => {
        if (!(error instanceof Error) || bySqlState.meaning(error).blame !== 'row') throw error
        return insert(trx, name, [withChangeAsText(letter)], [letter])
      })
    }
  }
}

/** Another process that keeps some of this name waits until these are there. */
async function notYetKept(trx: Database, name: string, letters: readonly DeadLetter[]): Promise<readonly DeadLetter[]> {
  if (letters.length === 0) return letters
  await sql`SELECT pg_advisory_xact_lock(${lockKey('dead letters', name)}::bigint)`.execute(trx)
  const sequences = JSON.stringify([...new Set(letters.map(({ source: { sequence } }) => sequence))])
  const { rows } = await sql<Kept>`
    SELECT stream, shard, sequence, sub_sequence, source FROM cdc_relay.dead_letters
    WHERE name = ${name} AND sequence IN (SELECT jsonb_array_elements_text(${sequences}::jsonb))`.execute(trx)
  const isKept = new Set(rows.map(keptText))
  const missing = new Map(letters.map((letter) => [keptText(keptAs(letter)), letter]))
  return [...missing].flatMap(([text, letter]) => (isKept.has(text) ? [] : [letter]))
}

/** What tells a dead letter from others: the place of its record, and where that was read the table. */
interface Kept {
  readonly stream: string
  readonly shard: string
  readonly sequence: string
  readonly sub_sequence: number | null
  readonly source: string | null
}

const keptAs = ({ source: { stream, shard, sequence, subSequence }, change }: DeadLetter): Kept => ({
  stream,
  shard,
  sequence,
  sub_sequence: subSequence ?? null,
  source: change === undefined ? null : tableLabel(change.table),
})

/** As it is kept: without what PostgreSQL refuses. */
const keptText = ({ stream, shard, sequence, sub_sequence, source }: Kept): string =>
  JSON.stringify(parseJson(withoutRefusedText(JSON.stringify([stream, shard, sequence, sub_sequence, source]))))

const withChangeAsText = ({ change, ...letter }: DeadLetter): string =>
  JSON.stringify({
    ...(parseJson(recordToJson(letter)) as object),
    ...(change === undefined ? {} : { change: recordToJson(change) }),
  })

/** @param json of the letters */
async function insert(
  trx: Database,
  name: string,
  json: readonly string[],
  letters: readonly DeadLetter[],
): Promise<void> {
  const rows = letters.map(({ change }, i) => {
    const table = change === undefined ? null : JSON.stringify(tableLabel(change.table))
    return `{"letter":${json[i]},"version":${change?.version ?? null},"source":${table}}`
  })
  await sql`
    INSERT INTO cdc_relay.dead_letters
      (name, code, detail, stream, shard, sequence, sub_sequence, event_id, source, version, raw, change, binary_places)
    SELECT ${name}::text, l.letter->>'code', l.letter->>'detail', l.letter->'source'->>'stream', l.letter->'source'->>'shard',
      l.letter->'source'->>'sequence', (l.letter->'source'->>'subSequence')::int, l.letter->'source'->>'eventId',
      l.source, l.version, decode(l.letter->>'raw', 'base64'), l.letter->'change', l.letter->'binary'
    FROM jsonb_to_recordset(${withoutRefusedText(`[${rows.join(',')}]`)}::jsonb)
      AS l(letter jsonb, version bigint, source text)`.execute(trx)
}

/**
 * JSON with U+FFFD for U+0000 and half surrogate pairs, which PostgreSQL refuses: a dead letter must find its place.
 * JSON.stringify writes both as escapes, and whole pairs as they are; the bytes of `raw` are base64 and keep everything.
 */
export function withoutRefusedText(json: string): string {
  return json.replace(/\\(u0000|ud[89a-f][0-9a-f]{2}|.)/g, (escaped, what: string) =>
    what.length === 5 ? '\\ufffd' : escaped,
  )
}
