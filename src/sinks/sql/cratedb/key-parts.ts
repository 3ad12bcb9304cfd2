import { type RawBuilder, sql } from 'kysely'
import { Binary, Numeric, newRow, type Row, type Value } from '../../../change.ts'
import type { Statement, TargetTable } from '../layout.ts'
import { type CrateRelation, primaryKeyOf } from './relation.ts'

/** A part of a table's primary key: `"id"`, or `"pk"['id']`. */
export interface KeyPart {
  readonly id: Statement
  readonly attribute: string
  read(text: string): Value
}

/** The primary key of a table, as the catalogue has it. */
export function keyParts(table: TargetTable, relation: CrateRelation): readonly KeyPart[] {
  return (primaryKeyOf(relation) ?? []).map((name): KeyPart => {
    const path = relation.members.find((member) => member.name === name)?.path ?? [name]
    const key = table.keys.find(({ attribute, column }) => column === name || attribute === path[1])
    const members = path.slice(1).map((member) => sql`[${sql.lit(member)}]`)
    return {
      id: sql`${sql.id(path[0]!)}${sql.join(members, sql``)}`,
      attribute: key?.attribute ?? name,
      read: (text) => VALUES[key?.family ?? 'text'](text),
    }
  })
}

const VALUES = {
  text: (text: string): Value => text,
  number: (text: string): Value => new Numeric(text),
  bytes: (text: string): Value => Binary.fromBase64Text(text),
}

/** k0, k1, …: the key as text, which compares with its columns as the value does. */
export const askedKey = (parts: readonly KeyPart[]): RawBuilder<unknown> =>
  sql.join(parts.map(({ id }, i) => sql`${id}::text AS ${sql.id(`k${i}`)}`))

/** One row of an answer to `askedKey`. */
export type KeyAnswer = Readonly<Record<string, string>>

export const hasKey = (parts: readonly KeyPart[], answer: KeyAnswer): Statement =>
  sql.join(
    parts.map(({ id }, i) => sql`${id} = ${answer[`k${i}`]}`),
    sql` AND `,
  )

export function keyRow(parts: readonly KeyPart[], answer: KeyAnswer): Row {
  const row = newRow()
  for (const [i, { attribute, read }] of parts.entries()) row[attribute] = read(answer[`k${i}`]!)
  return row
}
