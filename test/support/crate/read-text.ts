import { CrateError } from './failure.ts'
import { parse, type Tree } from './grammar.ts'
import { atLeast } from './names.ts'
import { parametersIn } from './read-expressions.ts'
import { readStatement } from './read-statements.ts'
import type { Statement } from './syntax.ts'

export interface ReadStatement {
  readonly statement: Statement
  /** How many there are: `$3` makes three. */
  readonly parameters: number
}

/** Before 6.0 a text that cannot be read is an error like any other. */
function parsed(text: string, crateVersion: string): readonly Tree[] {
  try {
    return parse(text)
  } catch (error) {
    if (error instanceof CrateError && !atLeast(crateVersion, '6.0.0')) throw new CrateError(error.message)
    throw error
  }
}

const CREATE_SCHEMA = /^\s*create\s+schema\s+(if\s+not\s+exists\s+)?(?:"((?:[^"]|"")+)"|([a-z_]\w*))\s*;?\s*$/i

const known = new Map<string, readonly ReadStatement[]>()

/**
 * Reads the statements of a text with CrateDB's grammar. That grammar is of version 6.1.1: CREATE SCHEMA, which came with
 * 6.2, is read by hand where the version to play has it.
 * @throws CrateError 42601
 */
export function readText(text: string, crateVersion: string): readonly ReadStatement[] {
  const schema = atLeast(crateVersion, '6.2.0') ? CREATE_SCHEMA.exec(text) : null
  if (schema !== null) {
    const [, ifNotExists, quoted, bare] = schema
    const name = quoted === undefined ? bare!.toLowerCase() : quoted.replaceAll('""', '"')
    return [{ parameters: 0, statement: { kind: 'create-schema', name, ifNotExists: ifNotExists !== undefined } }]
  }
  if (/^[\s;]*$/.test(text)) return []
  const before = known.get(text)
  if (before !== undefined) return before
  const read = parsed(text, crateVersion).map((tree) => ({
    parameters: parametersIn(tree),
    statement: readStatement(tree, text),
  }))
  // Texts of tests differ in their table names: what is remembered is thrown away now and then.
  if (known.size > 1000) known.clear()
  known.set(text, read)
  return read
}
