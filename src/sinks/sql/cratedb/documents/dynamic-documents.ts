import { newRow, type Row, type Value } from '../../../../change.ts'
import { documentKey } from '../tables/names.ts'
import { ignoredDocument } from './documents.ts'
import { memberText } from './member-text.ts'
import type { ObjectMembers, ObjectPolicy, SubColumn } from './sub-columns.ts'

/** A row in two columns: together they hold every attribute once. */
export interface DynamicDocument {
  /** JSON text for the column whose members have types. */
  readonly data: string
  /** JSON text for the `OBJECT(IGNORED)` beside it, as `ignoredDocument` writes it; null if nothing had to go there. */
  readonly aux: string | null
}

/**
 * A row → what an `OBJECT(DYNAMIC)` keeps as it is, and the rest.
 *
 * There every member becomes a typed column with the first value that comes for it; what comes later is cast to it, in
 * silence where CrateDB can (1.5 becomes 1, "42" becomes 42), or the row fails. So an attribute goes into `data` only if all
 * that is in it has the types that it had before, and otherwise, whole, into `aux`: also numbers that no double holds,
 * lists of differing types, lists with null or a list in them, empty ones where the catalogue knows no list yet, texts over
 * 32,766 bytes, and what is nested too deep.
 * Numbers are always written as doubles (`1.0`), so that the first whole one does not make a column of integers.
 *
 * @param members of the table's catalogue when it was opened; what is new in the row is added
 */
export function dynamicDocument(row: Row, policy: ObjectPolicy, members: ObjectMembers): DynamicDocument {
  let texts = ''
  let rest: Record<string, Value> | null = null
  for (const name in row) {
    const key = documentKey(name)
    const added = new Map<string, SubColumn>()
    const text = memberText(row[name]!, key, 1, policy, { members, added })
    if (text === undefined || !hasAdded(members, added)) {
      rest ??= newRow()
      rest[name] = row[name]!
      continue
    }
    texts += `${texts && ','}${JSON.stringify(key)}:${text}`
  }
  return { data: `{${texts}}`, aux: rest === null ? null : ignoredDocument(rest) }
}

/** False, and nothing added, if the table has no room for so many. */
export function hasAdded({ columns, room }: ObjectMembers, added: ReadonlyMap<string, SubColumn>): boolean {
  if (added.size === 0) return true
  let count = 0
  for (const path of added.keys()) if (!columns.has(path)) count++
  if (count > room.left) return false
  room.left -= count
  for (const [path, column] of added) columns.set(path, column)
  return true
}
