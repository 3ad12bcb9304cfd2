import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import { binaryPlaces as binaryPlacesOf, type DeadLetter, recordToJson, tableLabel } from '../../../../change.ts'
import type { Database } from '../../../tables/database.ts'
import { arrayLiteral, quotedElement } from '../rows/array-literal.ts'
import { notWritten } from './written-rows.ts'

/** What one statement holds, so that it stays far from the memory that CrateDB gives to one. */
const MOST_CHARACTERS = 4 * 1024 * 1024

/**
 * Keeps dead letters in `cdc_relay.dead_letters`; a letter is open as long as its row is there. Its key is the hash of what
 * it is about, so a batch that is written again writes the same rows, and the time of the first stays.
 *
 * All of it is text as it came: `raw` is base64, `change` the JSON of the change record, with every digit.
 *
 * @throws RelayError SINK_UNREACHABLE if not all of them are there
 */
export async function keepDeadLetters(to: Database, name: string, letters: readonly DeadLetter[]): Promise<void> {
  const rows = new Map(letters.map((letter) => rowOf(name, letter)).map((row) => [row.id, row]))
  for (const part of cut([...rows.values()])) await write(to, part)
}

/** How `cdc_relay.dead_letters.source` names a table: an indexed text cannot have more than 32,766 bytes. */
export const letterSource = (source: string): string => source.slice(0, 8_000)

type LetterRow = Readonly<Record<(typeof COLUMNS)[number], string | null>>

const COLUMNS = [
  'id',
  'name',
  'code',
  'detail',
  'stream',
  'shard',
  'sequence',
  'sub_sequence',
  'event_id',
  'source',
  'version',
  'raw',
  'change',
  'binary_places',
] as const

const TYPES: Readonly<Partial<Record<(typeof COLUMNS)[number], string>>> = {
  sub_sequence: 'array(integer)',
  version: 'array(bigint)',
}

function rowOf(name: string, letter: DeadLetter): LetterRow {
  const { code, detail, raw, change, source } = letter
  // The reason may be in other words the next time.
  const about = JSON.stringify([name, recordToJson({ ...letter, detail: '' })])
  return {
    id: createHash('sha256').update(about).digest('hex'),
    name,
    code,
    detail: sendable(detail),
    stream: sendable(source.stream),
    shard: sendable(source.shard),
    sequence: sendable(source.sequence),
    sub_sequence: source.subSequence === undefined ? null : String(source.subSequence),
    event_id: source.eventId === undefined ? null : sendable(source.eventId),
    source: change === undefined ? null : sendable(letterSource(tableLabel(change.table))),
    version: change?.version ?? null,
    raw: raw === undefined ? null : Buffer.from(raw).toString('base64'),
    change: change === undefined ? null : recordToJson(change),
    binary_places: binaryPlaces(letter),
  }
}

function binaryPlaces({ change }: DeadLetter): string | null {
  const places = change === undefined ? undefined : binaryPlacesOf(change)
  return places === undefined ? null : JSON.stringify(places)
}

/** Half a surrogate pair is no UTF-8. In `change` it is an escape. */
export const sendable = (text: string): string => text.toWellFormed()

function* cut(rows: readonly LetterRow[]): Generator<readonly LetterRow[]> {
  let part: LetterRow[] = []
  let characters = 0
  for (const row of rows) {
    const more = (row.raw?.length ?? 0) + (row.change?.length ?? 0) + (row.detail?.length ?? 0)
    if (part.length > 0 && characters + more > MOST_CHARACTERS) {
      yield part
      part = []
      characters = 0
    }
    part.push(row)
    characters += more
  }
  if (part.length > 0) yield part
}

async function write(to: Database, letters: readonly LetterRow[]): Promise<void> {
  const columns = sql.join(COLUMNS.map((column) => sql.id(column)))
  const arrays = COLUMNS.map((column) => {
    const elements = letters.map(({ [column]: text }) =>
      text === null ? null : TYPES[column] === undefined ? quotedElement(text) : text,
    )
    return sql`${arrayLiteral(elements)}::${sql.raw(TYPES[column] ?? 'array(text)')}`
  })
  const { rows } = await sql`
    INSERT INTO "cdc_relay"."dead_letters" (${columns}, "recorded_at")
    (SELECT ${columns}, CURRENT_TIMESTAMP FROM unnest(${sql.join(arrays)}) AS l (${columns}))
    ON CONFLICT ("id") DO UPDATE SET "detail" = excluded."detail"
    RETURNING "id"`.execute(to)
  if (rows.length < letters.length) throw notWritten(letters.length - rows.length, 'cdc_relay.dead_letters')
}
