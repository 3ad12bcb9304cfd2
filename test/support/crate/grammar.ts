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

/** What stands behind `sqlparse`: the package exports that function alone. */
interface AntlrParser {
  readonly _interp: { predictionMode: number }
  readonly _input: { readonly tokenSource: { readonly inputStream: object; removeErrorListeners(): void } }
  removeErrorListeners(): void
  addErrorListener(listener: object): void
  statements(): Antlr
}

/** Of ANTLR's modes of prediction the quick one: what it can read, it reads as the thorough one does. */
const SLL = 0

/**
 * The statements of a text, as CrateDB's own grammar reads them.
 * @throws CrateError 42601 with the words of the parser
 * @see https://github.com/crate/cratedb-sqlparse
 */
export function parse(text: string): readonly Tree[] {
  return quicklyRead(text) ?? thoroughlyRead(text)
}

/** As `sqlparse` itself reads, which also describes each statement in several ways that nobody asks for. */
export function thoroughlyRead(text: string): readonly Tree[] {
  try {
    return sqlparse(text, true).map(({ ctx }) => treeOf(ctx as Antlr))
  } catch (cause) {
    const { line, column, message } = cause as { line?: number; column?: number; message: string }
    throw new CrateError(`line ${line}:${column}: ${message}`, '42601')
  }
}

/** Null if the quick mode cannot read the text. */
function quicklyRead(text: string): readonly Tree[] | null {
  const parser = newParser(text)
  parser._interp.predictionMode = SLL
  parser.removeErrorListeners()
  let failed = false
  const nothing = () => {}
  parser.addErrorListener({
    syntaxError() {
      failed = true
    },
    reportAmbiguity: nothing,
    reportAttemptingFullContext: nothing,
    reportContextSensitivity: nothing,
  })
  const { children } = parser.statements()
  return failed ? null : (children ?? []).filter((part) => part instanceof StatementContext).map(treeOf)
}

function behindSqlparse(): {
  newParser(text: string): AntlrParser
  readonly StatementContext: new () => object
} {
  const [{ ctx }] = sqlparse('SELECT 1', true) as unknown as [{ ctx: { parser: AntlrParser } }]
  const { parser } = ctx
  const tokens = parser._input
  const lexer = tokens.tokenSource
  const made = <T>(like: T, ...parts: unknown[]): T => new (classOf(like))(...parts)
  return {
    newParser(text) {
      const reader = made(lexer, made(lexer.inputStream, text))
      reader.removeErrorListeners()
      return made(parser, made(tokens, reader))
    },
    StatementContext: (parser.constructor as unknown as { readonly StatementContext: new () => object })
      .StatementContext,
  }
}

const classOf = <T>(like: T): (new (...parts: unknown[]) => T) =>
  (like as { readonly constructor: unknown }).constructor as new (
    ...parts: unknown[]
  ) => T

const { newParser, StatementContext } = behindSqlparse()

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
export function all(tree: Tree, rule: string): readonly Tree[] {
  const found: Tree[] = []
  collect(tree, rule, found)
  return found
}

function collect(tree: Tree, rule: string, found: Tree[]): void {
  if (tree.rule === rule) found.push(tree)
  for (const part of tree.parts) collect(part, rule, found)
}

function treeOf(node: Antlr): Tree {
  if (node.symbol !== undefined) return { rule: '', text: node.symbol.text, parts: [] }
  return new Rule(ruleOf(node), (node.children ?? []).map(treeOf))
}

const ruleNames = new Map<unknown, string>()

function ruleOf(node: Antlr): string {
  const known = ruleNames.get(node.constructor)
  if (known !== undefined) return known
  const name = node.constructor.name.replace(/Context$/, '')
  ruleNames.set(node.constructor, name)
  return name
}

class Rule implements Tree {
  readonly rule: string
  readonly parts: readonly Tree[]

  constructor(rule: string, parts: readonly Tree[]) {
    this.rule = rule
    this.parts = parts
  }

  /** Put together where it is asked for: of most nodes nobody asks. */
  get text(): string {
    return this.parts.map((part) => part.text).join(' ')
  }
}
