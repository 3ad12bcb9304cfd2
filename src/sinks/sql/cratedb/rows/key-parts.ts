import { type RawBuilder, sql } from 'kysely'
import { Binary, Numeric, newRow, type Row, type Value } from '../../../../change.ts'
import type { Statement } from '../../../tables/database.ts'
import type { TargetTable } from '../../../tables/layout.ts'
import { type CrateRelation, columnNamed, primaryKeyOf } from '../tables/relation.ts'
import { dateText, plainNumeric } from './read-back.ts'

/** A part of a table's primary key: `"id"`, or `"pk"['id']`. */
export interface KeyPart {
  readonly id: Statement
  readonly attribute: string
  /** What a SELECT asks for. */
  readonly asked: Statement
  /** What node-postgres makes of the answer → the text that is compared with the column, and that the feed could have sent. */
  textOf(answer: unknown): string
  valueFrom(text: string): Value
}

/** The primary key of a table, as the catalogue has it. */
export function keyParts(table: TargetTable, relation: CrateRelation): readonly KeyPart[] {
  return (primaryKeyOf(relation) ?? []).map((name): KeyPart => {
    const member = relation.members.find((member) => member.name === name)
    const path = member?.path ?? [name]
    const key = table.keys.find(({ attribute, column }) => column === name || attribute === path[1])
    const members = path.slice(1).map((member) => sql`[${sql.lit(member)}]`)
    const id = sql`${sql.id(path[0]!)}${sql.join(members, sql``)}`
    const { asked, textOf } = SPELLINGS[(member ?? columnNamed(relation, name)).dataType] ?? AS_TEXT
    return {
      id,
      attribute: key?.attribute ?? name,
      asked: asked(id),
      textOf,
      valueFrom: (text) => VALUES[key?.family ?? 'text'](text),
    }
  })
}

type Spelling = { asked(id: Statement): Statement; textOf(answer: unknown): string }

const AS_TEXT: Spelling = { asked: (id) => sql`${id}::text`, textOf: String }
const momentSpelling = (zone: 'Z' | ''): Spelling => ({
  asked: (id) => sql`${id}::bigint`,
  textOf: (answer) => new Date(Number(answer)).toISOString().slice(0, -1) + zone,
})

/** Types whose text CrateDB spells otherwise than the feeds do, or not in every version alike. */
const SPELLINGS: Readonly<Record<string, Spelling>> = {
  boolean: { asked: (id) => id, textOf: String },
  numeric: { asked: (id) => id, textOf: plainNumeric },
  date: { asked: (id) => id, textOf: dateText },
  'timestamp with time zone': momentSpelling('Z'),
  'timestamp without time zone': momentSpelling(''),
}

const VALUES = {
  text: (text: string): Value => text,
  number: (text: string): Value => new Numeric(text),
  bytes: (text: string): Value => Binary.fromBase64Text(text),
}

/** k0, k1, …: the key of a row. */
export const askedKey = (parts: readonly KeyPart[]): RawBuilder<unknown> =>
  sql.join(parts.map(({ asked }, i) => sql`${asked} AS ${sql.id(`k${i}`)}`))

/** One row of an answer to `askedKey`. */
export type KeyAnswer = Readonly<Record<string, unknown>>

export const hasKey = (parts: readonly KeyPart[], answer: KeyAnswer): Statement =>
  sql.join(
    parts.map(({ id, textOf }, i) => sql`${id} = ${textOf(answer[`k${i}`])}`),
    sql` AND `,
  )

export function keyRow(parts: readonly KeyPart[], answer: KeyAnswer): Row {
  const row = newRow()
  for (const [i, { attribute, textOf, valueFrom }] of parts.entries())
    row[attribute] = valueFrom(textOf(answer[`k${i}`]))
  return row
}
