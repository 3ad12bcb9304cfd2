import { sql } from 'kysely'
import type { Mismatch } from '../../../tables/layout.ts'
import type { DesiredKey, Mapping } from '../../../tables/target.ts'
import { elementText, quotedElement } from '../rows/array-literal.ts'
import { readBackOf } from '../rows/read-back.ts'
import type { WrittenTable } from '../rows/written-table.ts'
import { type CrateMember, type CrateRelation, primaryKeyOf } from '../tables/relation.ts'
import { type CrateKey, crateKey } from '../tables/tables.ts'

/**
 * The tables of CrateDB's own toolkit: `pk OBJECT(STRICT) AS ("id" TEXT PRIMARY KEY, …)`, `data OBJECT(DYNAMIC)`,
 * `aux OBJECT(IGNORED)`. The key lies in `pk` alone, not in `data` again.
 * https://cratedb.com/docs/cratedb-toolkit/
 */
export const PK = 'pk'

export function isOfToolkit(relation: CrateRelation): boolean {
  const pk = relation.columns.find(({ name }) => name === PK)
  const primary = primaryKeyOf(relation) ?? []
  return (
    pk?.dataType === 'object' && primary.length > 0 && primary.every((name) => partNamed(relation, name) !== undefined)
  )
}

const partNamed = ({ members }: CrateRelation, name: string): CrateMember | undefined =>
  members.find((member) => member.name === name && member.path.length === 2 && member.path[0] === PK)

const partFor = ({ members }: CrateRelation, { attribute }: Mapping): CrateMember | undefined =>
  members.find(({ path }) => path.length === 2 && path[0] === PK && path[1] === attribute)

export function wrongPk(keys: readonly DesiredKey[], relation: CrateRelation): Mismatch[] {
  const primary = primaryKeyOf(relation)!
  const isSame =
    primary.length === keys.length && keys.every((key) => primary.includes(partFor(relation, key)?.name ?? ''))
  if (!isSame) {
    const desired = keys.map(({ attribute }) => `pk['${attribute}']`).join(', ')
    return [{ what: `its primary key is (${primary.join(', ')}), where (${desired}) is needed`, fix: null }]
  }
  return keys.flatMap((key) => {
    const why = pkPart(key, relation)
    return typeof why === 'string' ? [{ what: `key ${partFor(relation, key)!.name}: ${why}`, fix: null }] : []
  })
}

/** A part of the key; or in words why it cannot be one. */
export function pkPart(key: DesiredKey, relation: CrateRelation): CrateKey | string {
  const member = partFor(relation, key)!
  return crateKey({ ...key, family: key.family! }, member, member.dataType)
}

export function pkKeys(keys: readonly CrateKey[], relation: CrateRelation): Pick<WrittenTable, 'keys' | 'keyColumns'> {
  return {
    keys: keys.map((key) => ({
      id: sql`${sql.id(PK)}[${sql.lit(key.attribute)}]`,
      read: readBackOf(partFor(relation, key)!, key),
    })),
    keyColumns: [
      {
        name: PK,
        travelsAs: 'array(text)',
        castTo: 'object(dynamic)',
        elementOf({ tokens }) {
          const members = keys.map(({ attribute }, i) => `${JSON.stringify(attribute)}:${memberOf(tokens[i]!)}`)
          return quotedElement(`{${members.join(',')}}`)
        },
      },
    ],
  }
}

/** An element of an array → a token of JSON. */
const memberOf = (element: string): string => (element.startsWith('"') ? JSON.stringify(elementText(element)) : element)
