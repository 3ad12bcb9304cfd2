import { type RawBuilder, sql } from 'kysely'
import { RelayError } from '../../../../errors.ts'
import { tableId } from '../../../tables/clauses.ts'
import type { Statement } from '../../../tables/database.ts'
import type { Key } from '../../../tables/mirror.ts'
import { ONLY_NULL } from '../tables/codecs.ts'
import { arrayLiteral, elementText } from './array-literal.ts'
import type { CrateRow, Travelling, WrittenColumn, WrittenTable } from './written-table.ts'

/** One row of an answer: k0, k1, … the key, v the version, x the mark, c0, c1, … what else was asked for. */
export type Answer = Readonly<Record<string, unknown>>

/**
 * Writes rows of different keys, in one array for each column. Where the first row of a key stands, one that comes again is
 * left as it is; ON CONFLICT DO NOTHING would leave it out of the answer, too, like one that failed.
 *
 * The guard stands in every assignment, since CrateDB knows no WHERE there: what is held stays if it is newer (a held
 * version of NULL is not). All assignments see the row as it was, and bare names are of it. The answer has a row for each key
 * that could be written, as it is stored now: with our version it was applied, with another one superseded.
 *
 * https://cratedb.com/docs/crate/reference/en/latest/sql/statements/insert.html
 *
 * @param columns those of the table that the rows tell; others keep their value, and are NULL in a new row
 * @param asked what the answer has beside key and version
 */
export function upsert(
  table: WrittenTable,
  columns: readonly number[],
  rows: readonly CrateRow[],
  asked: readonly number[],
): Statement {
  const sent = sentColumns(table, columns)
  const names = sent.map((_, i) => sql.id(`p${i}`))
  const selected = sent.map(({ castTo, travelsAs }, i) =>
    travelsAs === ONLY_NULL ? NULL : castTo === null ? names[i]! : sql`${names[i]}::${sql.raw(castTo)}`,
  )
  const isSent = (_: unknown, i: number): boolean => sent[i]!.travelsAs !== ONLY_NULL
  const arrays = sent.filter(isSent).map(({ travelsAs, elementOf }) => {
    return sql`${arrayLiteral(rows.map(elementOf))}::${sql.raw(travelsAs)}`
  })
  return sql`INSERT INTO ${tableId(table.target)} (${sql.join(sent.map(({ name }) => sql.id(name)))})
    (SELECT ${sql.join(selected)} FROM unnest(${sql.join(arrays)}) AS u (${sql.join(names.filter(isSent))}))
    ${onConflict(table, columns)} RETURNING ${returned(table, asked)}`
}

/** The same for one row. Written alone, CrateDB says why it cannot be. */
export function upsertOne(
  table: WrittenTable,
  columns: readonly number[],
  row: CrateRow,
  asked: readonly number[],
): Statement {
  const sent = sentColumns(table, columns)
  const values = sent.map(({ travelsAs, castTo, elementOf }) => {
    if (travelsAs === ONLY_NULL) return NULL
    const element = elementOf(row)
    const value = sql`${element === null ? null : elementText(element)}::${sql.raw(elementType(travelsAs))}`
    return castTo === null ? value : sql`${value}::${sql.raw(castTo)}`
  })
  return sql`INSERT INTO ${tableId(table.target)} (${sql.join(sent.map(({ name }) => sql.id(name)))})
    VALUES (${sql.join(values)}) ${onConflict(table, columns)} RETURNING ${returned(table, asked)}`
}

const NULL = sql`NULL`

/** Reads rows by their whole keys: only so they are seen as they are, and not as of the last refresh. */
export function selectRows(table: WrittenTable, keys: readonly Key[]): Statement {
  const isOne = ({ tokens }: Key): Statement =>
    sql.join(
      table.keys.map(({ id }, i) => sql`${id} = ${elementText(tokens[i]!)}`),
      sql` AND `,
    )
  const all = table.columns.map((_, i) => i)
  return sql`SELECT ${returned(table, all)}, ${sql.id(table.own.mark!)} AS "x" FROM ${tableId(table.target)}
    WHERE ${sql.join(keys.map(isOne), sql` OR `)}`
}

/** Reads the version of a row by its whole key; in a table without, of any row: where a shard is away, either fails. */
export function selectVersion({ target, keys, own }: WrittenTable, { tokens }: Key): RawBuilder<Answer> {
  const where = keys.map(({ id }, i) => sql`${id} = ${elementText(tokens[i]!)}`)
  const version =
    own.version === null ? sql`count(*)` : keys.length === 0 ? sql`max(${sql.id(own.version)})` : sql.id(own.version)
  return sql`SELECT ${version} AS "v" FROM ${tableId(target)}${
    where.length === 0 ? sql`` : sql` WHERE ${sql.join(where, sql` AND `)}`
  }`
}

/** A column with the element that it gets of a row. */
interface Sent extends Travelling {
  readonly name: string
  elementOf(row: CrateRow): string | null
}

function sentColumns({ keyColumns, columns, own }: WrittenTable, written: readonly number[]): readonly Sent[] {
  return [
    ...keyColumns.map((holder): Sent => ({ ...holder, elementOf: ({ key }) => holder.elementOf(key) })),
    ...written.map((index): Sent => ({ ...columns[index]!, elementOf: ({ elements }) => elements[index] ?? null })),
    ...(own.version === null ? [] : [{ ...VERSION, name: own.version }]),
    ...(own.mark === null ? [] : [{ ...MARK, name: own.mark }]),
  ]
}

const VERSION: Omit<Sent, 'name'> = {
  travelsAs: 'array(bigint)',
  castTo: null,
  elementOf: ({ version }) => version,
}
const MARK: Omit<Sent, 'name'> = {
  travelsAs: 'array(boolean)',
  castTo: null,
  elementOf: ({ isDeleted }) => (isDeleted ? 'true' : 'false'),
}

/** `array(object(ignored))` → `object(ignored)` */
const elementType = (travelsAs: string): string => travelsAs.slice('array('.length, -1)

function onConflict({ keys, columns, own }: WrittenTable, written: readonly number[]): Statement {
  if (keys.length === 0) return sql``
  const version = sql.id(own.version!)
  const names = [
    ...written.map((index) => columns[index]!.name),
    own.version!,
    ...(own.mark === null ? [] : [own.mark]),
  ]
  const assignments =
    own.stands === 'first'
      ? [sql`${version} = ${version}`]
      : names.map((text) => {
          const name = sql.id(text)
          return sql`${name} = CASE WHEN ${version} > excluded.${version} THEN ${name} ELSE excluded.${name} END`
        })
  return sql`ON CONFLICT (${sql.join(keys.map(({ id }) => id))}) DO UPDATE SET ${sql.join(assignments)}`
}

function returned({ keys, columns, own }: WrittenTable, asked: readonly number[]): Statement {
  return sql.join([
    ...keys.map(({ id, read }, i) => sql`${read.asked(id)} AS ${sql.id(`k${i}`)}`),
    ...asked.map((index) => sql`${askedFor(columns[index]!)} AS ${sql.id(`c${index}`)}`),
    sql`${own.version === null ? sql`TRUE` : sql.id(own.version)} AS "v"`,
  ])
}

const askedFor = ({ name, read }: WrittenColumn): Statement => read.asked(sql.id(name))

/** The key of an answered row, as `Key.text` has it. */
export const keyTextOf = ({ keys }: WrittenTable, answer: Answer): string =>
  keys.length === 1
    ? keys[0]!.read.element(answer.k0)
    : keys.map(({ read }, i) => read.element(answer[`k${i}`])).join(',')

/** `statement_max_length` of a node, unless somebody raised it. https://cratedb.com/docs/crate/reference/en/latest/config/node.html */
const MOST_CHARACTERS = 262_144

/** What the upsert has for each column beside its name, which stands there five times, in quotes. */
const CHARACTERS_OF_A_COLUMN = 140

/** @throws RelayError SINK_TABLE if the table has so many columns of such names that CrateDB would refuse the statement */
export function refuseTooWide({ target, columns }: WrittenTable): void {
  const length = columns.reduce((sum, { name }) => sum + 5 * (name.length + 2) + CHARACTERS_OF_A_COLUMN, 2_000)
  if (length <= MOST_CHARACTERS) return
  const detail = `The ${columns.length} columns have such long names that a statement over all of them is longer than CrateDB takes (statement_max_length): use --layout document`
  throw new RelayError('SINK_TABLE', detail, { table: target.source })
}
