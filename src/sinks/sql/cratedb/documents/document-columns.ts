import { newRow, type Row } from '../../../../change.ts'
import type { Mapping } from '../../../tables/target.ts'
import { quotedElement } from '../rows/array-literal.ts'
import { JSON_TEXT } from '../rows/read-back.ts'
import type { WrittenColumn } from '../rows/written-table.ts'
import { AUX, DATA } from '../tables/own-columns.ts'
import { type CrateRelation, columnNamed } from '../tables/relation.ts'
import { ignoredDocument } from './documents.ts'
import { dynamicDocument } from './dynamic-documents.ts'
import { hasMembers } from './sub-columns.ts'

/** The columns that a document lies in, and a row as elements of them. */
export interface DocumentColumns {
  readonly columns: readonly WrittenColumn[]
  elementsOf(row: Row): readonly (string | null)[]
  /** The same with nothing in a column whose members have types; absent where there is no such column. */
  leanElementsOf?(row: Row): readonly (string | null)[]
}

/** @param elsewhere attributes that have columns of their own, and are not in the document */
export function documentColumns(relation: CrateRelation, elsewhere: readonly Mapping[]): DocumentColumns {
  const documentOf = without(elsewhere.map(({ attribute }) => attribute))
  if (keepsAll(relation)) {
    return { columns: [IGNORED_DATA], elementsOf: (row) => [quotedElement(ignoredDocument(documentOf(row)))] }
  }
  const { policy, object } = columnNamed(relation, DATA.name)
  return {
    columns: [DYNAMIC_DATA, REST],
    elementsOf(row) {
      const { data, aux } = dynamicDocument(documentOf(row), policy ?? 'dynamic', object!)
      return [quotedElement(data), aux === null ? null : quotedElement(aux)]
    },
    leanElementsOf: (row) => [quotedElement('{}'), quotedElement(ignoredDocument(documentOf(row)))],
  }
}

/** True if `data` keeps whatever is in a document; else what does not fit its members lies beside it, in `aux`. */
export function keepsAll(relation: CrateRelation): boolean {
  const { policy, object } = columnNamed(relation, DATA.name)
  return policy === 'ignored' && !hasMembers(object)
}

const OBJECT: Pick<WrittenColumn, 'travelsAs' | 'castTo' | 'read'> = {
  travelsAs: 'array(object(ignored))',
  castTo: null,
  read: JSON_TEXT,
}
const IGNORED_DATA: WrittenColumn = { ...OBJECT, name: DATA.name, merged: '{}' }
const REST: WrittenColumn = { ...OBJECT, name: AUX.name, merged: 'null' }
/** An array of objects could bring members of differing types into new columns. */
const DYNAMIC_DATA: WrittenColumn = { ...IGNORED_DATA, travelsAs: 'array(text)', castTo: 'object(dynamic)' }

function without(attributes: readonly string[]): (row: Row) => Row {
  if (attributes.length === 0) return (row) => row
  const isLeftOut = new Set(attributes)
  return (row) => {
    const rest = newRow()
    for (const name in row) if (!isLeftOut.has(name)) rest[name] = row[name]!
    return rest
  }
}
