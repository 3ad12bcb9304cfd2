import { notInTheFake } from './failure.ts'
import { child, children, hasWord, need, type Tree } from './grammar.ts'
import type { QualifiedName } from './syntax.ts'

/** Unquoted names are folded to lower case, of quoted ones only the quotes go. */
export function readIdent(tree: Tree): string {
  const word = tree.text
  return word.startsWith('"') ? word.slice(1, -1).replaceAll('""', '"') : word.toLowerCase()
}

export function readParts(qname: Tree): readonly string[] {
  return children(qname, 'Ident').map(readIdent)
}

/** Any tree that holds a Qname. Of `crate.schema.table` the catalogue's name is dropped. */
export function readQualifiedName(tree: Tree): QualifiedName {
  let at = tree
  while (at.rule !== 'Qname') at = need(at, 'TableName', 'TableWithPartition', 'Qnames', 'Qname', 'TableRelation')
  const parts = readParts(at)
  return { schema: parts.at(-2) ?? null, name: parts.at(-1)! }
}

export function readStringLiteral(tree: Tree): string {
  const text = tree.text
  return text.slice(text.indexOf("'") + 1, -1).replaceAll("''", "'")
}

/** `column['a']['b']`, where only text literals stand in the brackets. */
export function readSubscriptSafe(tree: Tree): readonly string[] {
  const inner = child(tree, 'SubscriptSafe')
  if (inner === undefined) return readParts(need(tree, 'Qname'))
  return [...readSubscriptSafe(inner), readStringLiteral(tree.parts[2]!)]
}

export function refuseWords(tree: Tree, ...words: string[]): void {
  for (const word of words) if (hasWord(tree, word)) throw notInTheFake(word.toUpperCase())
}
