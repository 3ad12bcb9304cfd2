import { notInTheFake } from './failure.ts'
import { all, child, children, hasWord, need, type Tree } from './grammar.ts'
import { readNumeric } from './numeric.ts'
import { readIdent, readParts, readStringLiteral } from './read-names.ts'
import { readType, typeIn } from './read-types.ts'
import type { Comparison, Expression } from './syntax.ts'
import { arrayOf, BIGINT, BOOLEAN, type DataType, DOUBLE, INTEGER, scalar, TEXT, UNDEFINED } from './types.ts'
import type { Value } from './values.ts'

/** Rules that only wrap another one. */
const WRAPPERS = new Set([
  'Expr',
  'BooleanDefault',
  'ValueExpressionDefault',
  'NestedExpression',
  'DefaultParamOrLiteral',
  'SimpleLiteral',
  'ParameterOrSimpleLiteral',
  'NumericLiteral',
  'ExplicitFunctionDefault',
  'ParameterExpression',
  'IntAsLiteral',
])

/** Any tree that stands for a value. */
export function readExpression(tree: Tree): Expression {
  if (WRAPPERS.has(tree.rule)) return readExpression(tree.parts.find((part) => part.rule !== '')!)
  const reader = READERS[tree.rule]
  if (reader === undefined) throw notInTheFake(`the expression ${tree.rule}: ${tree.text}`)
  return reader(tree)
}

const READERS: Readonly<Record<string, (tree: Tree) => Expression>> = {
  Predicated: readPredicated,
  LogicalBinary: (tree) => ({
    kind: hasWord(tree, 'and') ? 'and' : 'or',
    left: readExpression(tree.parts[0]!),
    right: readExpression(tree.parts[2]!),
  }),
  LogicalNot: (tree) => ({ kind: 'not', operand: readExpression(tree.parts[1]!) }),
  ColumnReference: (tree) => ({ kind: 'column', parts: [readIdent(need(tree, 'Ident'))], path: [] }),
  Dereference: (tree) => ({ kind: 'column', parts: readParts(tree), path: [] }),
  Subscript: readSubscript,
  FunctionCall: readCall,
  DoubleColonCast: (tree) => cast(tree.parts[0]!, readType(typeIn(tree)!), false),
  Cast: (tree) => cast(need(tree, 'Expr'), readType(typeIn(tree)!), hasWord(tree, 'try_cast')),
  FromStringLiteralCast: (tree) => cast(need(tree, 'StringLiteral'), readType(typeIn(tree)!), false),
  SearchedCase: (tree) => readCase(tree, null),
  SimpleCase: (tree) => readCase(tree, readExpression(tree.parts[1]!)),
  ArithmeticUnary: (tree) => {
    const operand = readExpression(tree.parts[1]!)
    return hasWord(tree, '-') ? { kind: 'negate', operand } : operand
  },
  ArithmeticBinary: (tree) => ({
    kind: 'arithmetic',
    op: tree.parts[1]!.text as '+' | '-' | '*' | '/' | '%',
    left: readExpression(tree.parts[0]!),
    right: readExpression(tree.parts[2]!),
  }),
  Concatenation: (tree) => ({
    kind: 'concat',
    left: readExpression(tree.parts[0]!),
    right: readExpression(tree.parts[2]!),
  }),
  PositionalParameter: (tree) => ({ kind: 'parameter', index: Number(need(tree, 'IntegerLiteral').text) - 1 }),
  ArrayLiteral: (tree) => ({ kind: 'array', items: tree.parts.filter((part) => part.rule !== '').map(readExpression) }),
  EmptyArray: () => literal([], arrayOf(UNDEFINED)),
  ObjectLiteral: (tree) => ({
    kind: 'object',
    members: children(tree, 'ObjectKeyValue').map((member) => [
      readIdent(member.parts[0]!),
      readExpression(member.parts[2]!),
    ]),
  }),
  StringLiteral: (tree) => literal(readStringLiteral(tree), TEXT),
  EscapedCharsStringLiteral: (tree) => literal(unescaped(readStringLiteral(tree)), TEXT),
  BooleanLiteral: (tree) => literal(tree.text.toLowerCase() === 'true', BOOLEAN),
  NullLiteral: () => literal(null, UNDEFINED),
  IntegerLiteral: (tree) => {
    const value = BigInt(tree.text.replaceAll('_', ''))
    if (value >= 1n << 63n) return literal(readNumeric(tree.text)!, scalar('numeric'))
    return literal(value, value < 1n << 31n ? INTEGER : BIGINT)
  },
  DecimalLiteral: (tree) => literal(Number(tree.text.replaceAll('_', '')), DOUBLE),
  CurrentSchema: () => call('current_schema'),
  CurrentUser: () => call('current_user'),
  SessionUser: () => call('current_user'),
  SpecialDateTimeFunction: (tree) => call(tree.parts[0]!.text.toLowerCase()),
}

function literal(value: Value, type: DataType): Expression {
  return { kind: 'literal', value, type }
}

function call(name: string, ...operands: Expression[]): Expression {
  return { kind: 'call', name, operands, star: false }
}

function cast(operand: Tree, type: DataType, lenient: boolean): Expression {
  return { kind: 'cast', operand: readExpression(operand), type, lenient }
}

/** A value, and what is asked of it: `= 1`, `IN (…)`, `IS NOT NULL`. */
function readPredicated(tree: Tree): Expression {
  const operand = readExpression(tree.parts[0]!)
  const predicate = tree.parts[1]
  if (predicate === undefined) return operand
  const asked = readPredicate(operand, predicate)
  return hasWord(predicate, 'not') ? { kind: 'not', operand: asked } : asked
}

function readPredicate(left: Expression, tree: Tree): Expression {
  switch (tree.rule) {
    case 'Comparison':
      return { kind: 'compare', op: readOperator(tree), left, right: readExpression(tree.parts[1]!) }
    case 'QuantifiedComparison': {
      const every = need(tree, 'SetCmpQuantifier').text.toLowerCase() === 'all'
      return { kind: 'quantified', op: readOperator(tree), every, left, right: readExpression(tree.parts[2]!) }
    }
    case 'InList':
      return { kind: 'in', operand: left, list: children(tree, 'Expr').map(readExpression) }
    case 'NullPredicate':
      return { kind: 'is-null', operand: left }
    case 'DistinctFrom':
      return { kind: 'distinct', left, right: readExpression(tree.parts.at(-1)!) }
    case 'Between': {
      const [lower, upper] = tree.parts.filter((part) => part.rule !== '').map(readExpression)
      return {
        kind: 'and',
        left: { kind: 'compare', op: '>=', left, right: lower! },
        right: { kind: 'compare', op: '<=', left, right: upper! },
      }
    }
    case 'Like':
      return { kind: 'like', operand: left, pattern: readExpression(tree.parts.at(-1)!) }
    default:
      throw notInTheFake(`the condition ${tree.rule}: ${tree.text}`)
  }
}

function readOperator(tree: Tree): Comparison {
  const op = need(tree, 'CmpOp').text
  return (op === '!=' ? '<>' : op) as Comparison
}

/** A text literal in the brackets of a column names a member; anything else is worked out. */
function readSubscript(tree: Tree): Expression {
  const operand = readExpression(tree.parts[0]!)
  const index = readExpression(tree.parts[2]!)
  if (operand.kind === 'column' && index.kind === 'literal' && typeof index.value === 'string')
    return { ...operand, path: [...operand.path, index.value] }
  return { kind: 'subscript', operand, index }
}

function readCall(tree: Tree): Expression {
  if (child(tree, 'SetQuant', 'Filter', 'Over') !== undefined) throw notInTheFake(`the call ${tree.text}`)
  const name = readParts(need(tree, 'Qname')).at(-1)!
  return { kind: 'call', name, operands: children(tree, 'Expr').map(readExpression), star: hasWord(tree, '*') }
}

function readCase(tree: Tree, operand: Expression | null): Expression {
  const branches = children(tree, 'WhenClause').map((branch): readonly [Expression, Expression] => {
    const when = readExpression(branch.parts[1]!)
    const condition: Expression = operand === null ? when : { kind: 'compare', op: '=', left: operand, right: when }
    return [condition, readExpression(branch.parts[3]!)]
  })
  const at = tree.parts.findIndex((part) => part.rule === '' && part.text.toLowerCase() === 'else')
  return { kind: 'case', branches, otherwise: at === -1 ? null : readExpression(tree.parts[at + 1]!) }
}

function unescaped(text: string): string {
  const letters: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f' }
  return text.replace(/\\(.)/gs, (_all, letter: string) => letters[letter] ?? letter)
}

/** How many parameters a statement has: `$3` makes three. */
export function parametersIn(tree: Tree): number {
  let count = 0
  for (const parameter of all(tree, 'PositionalParameter'))
    count = Math.max(count, Number(need(parameter, 'IntegerLiteral').text))
  return count
}
