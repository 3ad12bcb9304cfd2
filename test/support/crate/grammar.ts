import { sqlparse } from '@cratedb/cratedb-sqlparse'
import { CrateError } from './failure.ts'

/** A node of CrateDB's own syntax tree: a rule of its grammar with its parts, or (with rule '') a word. */
export interface Tree {
  readonly rule: string
  readonly text: string
  readonly parts: readonly Tree[]
}

interface Antlr {
  readonly children?: readonly Antlr[] | null
  readonly symbol?: { readonly text: string }
}

/**
 * The statements of a text, as CrateDB's own grammar reads them.
 * @throws CrateError 42601 with the words of the parser
 * @see https://github.com/crate/cratedb-sqlparse
 */
export function parse(text: string): readonly Tree[] {
  return statementsOf(text).map((statement) => treeOf(statement.ctx as Antlr))
}

function statementsOf(text: string): ReturnType<typeof sqlparse> {
  try {
    return sqlparse(text, true)
  } catch (cause) {
    const { line, column, message } = cause as { line?: number; column?: number; message: string }
    throw new CrateError(`line ${line}:${column}: ${message}`, '42601')
  }
}

export function child(tree: Tree, ...rules: string[]): Tree | undefined {
  return tree.parts.find((part) => rules.includes(part.rule))
}

export function children(tree: Tree, ...rules: string[]): readonly Tree[] {
  return tree.parts.filter((part) => rules.includes(part.rule))
}

export function need(tree: Tree, ...rules: string[]): Tree {
  const found = child(tree, ...rules)
  if (found === undefined) throw new Error(`${tree.rule} has no ${rules.join(' or ')}: ${tree.text}`)
  return found
}

/** Is the word (in lower case) one of the tree's own, not of its parts'? */
export function hasWord(tree: Tree, word: string): boolean {
  return tree.parts.some((part) => part.rule === '' && part.text.toLowerCase() === word)
}

/** All nodes of a rule at or below the tree, outermost first. */
export function* all(tree: Tree, rule: string): Generator<Tree> {
  if (tree.rule === rule) yield tree
  for (const part of tree.parts) yield* all(part, rule)
}

function treeOf(node: Antlr): Tree {
  if (node.symbol !== undefined) return { rule: '', text: node.symbol.text, parts: [] }
  const parts = (node.children ?? []).map(treeOf)
  return { rule: node.constructor.name.replace(/Context$/, ''), text: parts.map((part) => part.text).join(' '), parts }
}
