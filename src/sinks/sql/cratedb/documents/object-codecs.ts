import type { ValueKind } from '../../../../change.ts'
import type { Codec } from '../../../tables/codecs/codec.ts'
import { quotedElement } from '../rows/array-literal.ts'
import type { CrateColumn } from '../tables/column.ts'
import { ignoredDocument } from './documents.ts'
import { hasAdded } from './dynamic-documents.ts'
import { objectIn } from './json-text.ts'
import { objectText } from './member-text.ts'
import { hasMembers, type ObjectMembers, type ObjectPolicy, type SubColumn } from './sub-columns.ts'

/**
 * OBJECT columns: they take objects, and for DMS the JSON text of one. Members that the table knows have a type, under any
 * policy: CrateDB would round a number, cut a moment, or make a number of a text, so an object that does not fit them all
 * is held by nothing. An OBJECT(DYNAMIC) gets columns for new members, an OBJECT(STRICT) takes none.
 */
export function objectCodec({ policy, object }: CrateColumn, given: ValueKind): Codec | null {
  if (policy === 'ignored' && !hasMembers(object)) return ignoredCodec(given)
  return policy === null || object === undefined ? null : typedCodec(policy, object, given)
}

function ignoredCodec(given: ValueKind): Codec {
  const encode: Codec['encode'] = (value) => {
    const row = objectIn(value, given)
    return row === undefined ? undefined : quotedElement(ignoredDocument(row))
  }
  return { travelsAs: 'array(object(ignored))', castTo: null, isKeyable: false, holds: 'objects', encode }
}

function typedCodec(policy: ObjectPolicy, members: ObjectMembers, given: ValueKind): Codec {
  const encode: Codec['encode'] = (value) => {
    const row = objectIn(value, given)
    if (row === undefined) return undefined
    const added = new Map<string, SubColumn>()
    const text = objectText(row, '', 0, policy, { members, added })
    return text === undefined || !hasAdded(members, added) ? undefined : quotedElement(text)
  }
  // An array of objects could bring members of differing types into new columns.
  const holds = 'objects whose members are all of the types that it knows, unaltered'
  return { travelsAs: 'array(text)', castTo: TYPED, isKeyable: false, holds, encode }
}

const TYPED = 'object(dynamic)'

/** True for a column of objects whose members have types: somebody may give it others at any moment. */
export const isTypedObject = ({ castTo }: Pick<Codec, 'castTo'>): boolean => castTo === TYPED
