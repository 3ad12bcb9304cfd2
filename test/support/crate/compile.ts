import { castTo } from './casts.ts'
import { CrateError, notInTheFake } from './failure.ts'
import { callScalar } from './functions.ts'
import { Numeric, readNumeric } from './numeric.ts'
import type { Parameters } from './parameters.ts'
import type { Comparison, Expression } from './syntax.ts'
import { arrayOf, BIGINT, BOOLEAN, type DataType, DOUBLE, isText, objectOf, scalar, TEXT, UNDEFINED } from './types.ts'
import { compareValues, isList, isObject, type Value } from './values.ts'

/** What an expression is worked out over: the row, in ON CONFLICT the new row beside it, in aggregates all rows. */
export interface Env {
  readonly row: Row
  readonly excluded?: ReadonlyMap<string, Value>
  readonly group?: readonly Row[]
}

export interface Row {
  readonly values: ReadonlyMap<string, Value>
  readonly seqNo: bigint
  readonly primaryTerm: bigint
}

export const NO_ROW: Row = { values: new Map(), seqNo: 0n, primaryTerm: 0n }

/** An expression with its type, ready to be worked out for any row. Three-valued: null is "unknown". */
export interface Compiled {
  readonly type: DataType
  value(env: Env): Value
}

/** What names stand for. */
export interface Scope {
  /** @throws CrateError 42703, or what CrateDB says to the name */
  column(parts: readonly string[], path: readonly string[]): Compiled
  readonly parameters: Parameters
  readonly session: { readonly schema: string; readonly user: string; readonly crateVersion: string }
}

/**
 * @param expected the type that the place asks for; parameters take it
 * @throws CrateError for what CrateDB finds before it runs a statement
 */
export function compile(expression: Expression, scope: Scope, expected: DataType | null = null): Compiled {
  switch (expression.kind) {
    case 'literal': {
      const { value, type } = expression
      return { type, value: () => value }
    }
    case 'parameter':
      return parameter(expression.index, scope, expected)
    case 'column':
      return scope.column(expression.parts, expression.path)
    case 'subscript':
      return subscript(compile(expression.operand, scope), compile(expression.index, scope))
    case 'cast':
      return cast(expression, scope)
    case 'call':
      return call(expression, scope, expected)
    case 'compare': {
      const [left, right] = compileAlike(expression.left, expression.right, scope)
      const { op } = expression
      return logical((env) => compare(op, left.value(env), right.value(env)))
    }
    case 'quantified':
      return quantified(expression, scope)
    case 'in': {
      const operand = compile(expression.operand, scope)
      const list = expression.list.map((item) => adapted(compile(item, scope, operand.type), operand.type))
      return logical((env) => any(list.map((item) => compare('=', operand.value(env), item.value(env)))))
    }
    case 'and': {
      const [left, right] = [compile(expression.left, scope, BOOLEAN), compile(expression.right, scope, BOOLEAN)]
      return logical((env) => not(any([not(truth(left.value(env))), not(truth(right.value(env)))])))
    }
    case 'or': {
      const [left, right] = [compile(expression.left, scope, BOOLEAN), compile(expression.right, scope, BOOLEAN)]
      return logical((env) => any([truth(left.value(env)), truth(right.value(env))]))
    }
    case 'not': {
      const operand = compile(expression.operand, scope, BOOLEAN)
      return logical((env) => not(truth(operand.value(env))))
    }
    case 'is-null': {
      const operand = compile(expression.operand, scope)
      return logical((env) => operand.value(env) === null)
    }
    case 'distinct': {
      const [left, right] = compileAlike(expression.left, expression.right, scope)
      return logical((env) => {
        const [a, b] = [left.value(env), right.value(env)]
        return a === null || b === null ? a !== b : compareValues(a, b) !== 0
      })
    }
    case 'like': {
      const [operand, pattern] = [compile(expression.operand, scope), compile(expression.pattern, scope, TEXT)]
      return logical((env) => like(operand.value(env), pattern.value(env)))
    }
    case 'case':
      return searchedCase(expression, scope, expected)
    case 'arithmetic':
      return arithmetic(expression, scope)
    case 'negate': {
      const operand = compile(expression.operand, scope, expected)
      return { type: operand.type, value: (env) => negate(operand.value(env)) }
    }
    case 'concat': {
      const parts = [compile(expression.left, scope, TEXT), compile(expression.right, scope, TEXT)]
      return {
        type: TEXT,
        value: (env) =>
          callScalar(
            'concat_operator',
            parts.map((part) => part.value(env)),
            scope.session,
          ),
      }
    }
    case 'array': {
      const element = expected?.kind === 'array' ? expected.element : null
      const items = expression.items.map((item) => compile(item, scope, element))
      const type = element ?? items.find((item) => item.type !== UNDEFINED)?.type ?? UNDEFINED
      return { type: arrayOf(type), value: (env) => items.map((item) => castTo(type, item.value(env))) }
    }
    case 'object': {
      const members = expression.members.map(([name, value]) => [name, compile(value, scope)] as const)
      return {
        type: objectOf('dynamic'),
        value: (env) => new Map(members.map(([name, member]) => [name, member.value(env)])),
      }
    }
  }
}

/** Is the condition true (and neither false nor unknown)? */
export function holds(condition: Compiled | null, env: Env): boolean {
  return condition === null || condition.value(env) === true
}

function logical(value: (env: Env) => boolean | null): Compiled {
  return { type: BOOLEAN, value }
}

function truth(value: Value): boolean | null {
  return value === null ? null : (castTo(BOOLEAN, value) as boolean)
}

function not(value: boolean | null): boolean | null {
  return value === null ? null : !value
}

function any(values: readonly (boolean | null)[]): boolean | null {
  return values.includes(true) ? true : values.includes(null) ? null : false
}

function parameter(index: number, scope: Scope, expected: DataType | null): Compiled {
  scope.parameters.value(index, null)
  const type = expected ?? scope.parameters.types[index] ?? TEXT
  if (expected !== null) scope.parameters.types[index] ??= expected
  let read: { readonly value: Value } | undefined
  return {
    type,
    value: () => {
      read ??= { value: scope.parameters.value(index, type) }
      return read.value
    },
  }
}

/** A parameter, or a text literal, takes the type of what it is compared with. */
function compileAlike(left: Expression, right: Expression, scope: Scope): readonly [Compiled, Compiled] {
  if (left.kind === 'parameter') {
    const [one, other] = compileAlike(right, left, scope)
    return [other, one]
  }
  const first = compile(left, scope)
  const second = compile(right, scope, first.type)
  return [adapted(first, second.type), adapted(second, first.type)]
}

function adapted(side: Compiled, other: DataType): Compiled {
  if (!isText(side.type) || isText(other) || isUndefined(other)) return side
  return { type: other, value: (env) => castTo(other, side.value(env)) }
}

function isUndefined(type: DataType): boolean {
  return type.kind === 'scalar' && type.name === 'undefined'
}

function compare(op: Comparison, a: Value, b: Value): boolean | null {
  if (a === null || b === null) return null
  const order = compareValues(a, b)
  switch (op) {
    case '=':
      return order === 0
    case '<>':
      return order !== 0
    case '<':
      return order < 0
    case '<=':
      return order <= 0
    case '>':
      return order > 0
    case '>=':
      return order >= 0
  }
}

function quantified(expression: Expression & { kind: 'quantified' }, scope: Scope): Compiled {
  const left = compile(expression.left, scope)
  const right = compile(expression.right, scope, arrayOf(left.type))
  if (right.type.kind !== 'array') throw new CrateError(`${expression.every ? 'ALL' : 'ANY'} needs an array`, '42883')
  return logical((env) => {
    const list = right.value(env)
    if (!isList(list)) return null
    const answers = list.map((element) => compare(expression.op, left.value(env), element))
    return expression.every ? not(any(answers.map(not))) : any(answers)
  })
}

function cast(expression: Expression & { kind: 'cast' }, scope: Scope): Compiled {
  const { type, lenient } = expression
  const operand = compile(expression.operand, scope, expression.operand.kind === 'parameter' ? type : null)
  const value = (env: Env) => castTo(type, operand.value(env))
  if (!lenient) return { type, value }
  return {
    type,
    value: (env) => {
      try {
        return value(env)
      } catch (error) {
        if (error instanceof CrateError) return null
        throw error
      }
    },
  }
}

function subscript(operand: Compiled, index: Compiled): Compiled {
  const element = operand.type.kind === 'array' ? operand.type.element : UNDEFINED
  return {
    type: element,
    value: (env) => {
      const [container, at] = [operand.value(env), index.value(env)]
      if (isObject(container)) return container.get(String(at)) ?? null
      return isList(container) && at !== null ? (container[Number(at) - 1] ?? null) : null
    },
  }
}

/** A branch without a type (NULL) takes that of the others; a parameter does, too. */
function searchedCase(expression: Expression & { kind: 'case' }, scope: Scope, expected: DataType | null): Compiled {
  const results = [
    ...expression.branches.map(([, then]) => then),
    ...(expression.otherwise === null ? [] : [expression.otherwise]),
  ]
  const known = results
    .filter((result) => result.kind !== 'parameter')
    .map((result) => compile(result, scope, expected).type)
  const type = known.find((found) => found !== UNDEFINED) ?? expected ?? UNDEFINED
  const branches = expression.branches.map(
    ([when, then]) => [compile(when, scope, BOOLEAN), compile(then, scope, type)] as const,
  )
  const otherwise = expression.otherwise === null ? null : compile(expression.otherwise, scope, type)
  return {
    type,
    value: (env) => {
      const chosen = branches.find(([when]) => holds(when, env))?.[1] ?? otherwise
      return chosen === null ? null : chosen.value(env)
    },
  }
}

function call(expression: Expression & { kind: 'call' }, scope: Scope, expected: DataType | null): Compiled {
  const { name, star } = expression
  if (star || AGGREGATES.has(name)) return aggregate(name, expression.operands[0] ?? null, scope)
  const hint = name === 'coalesce' || name === 'greatest' || name === 'least' || name === 'nullif'
  const known = expression.operands
    .filter((operand) => operand.kind !== 'parameter')
    .map((operand) => compile(operand, scope))
  const common = known.find((operand) => operand.type !== UNDEFINED)?.type ?? expected
  const operands = expression.operands.map((operand) => compile(operand, scope, hint ? common : null))
  const type = hint ? (common ?? TEXT) : resultType(name, operands)
  return {
    type,
    value: (env) =>
      callScalar(
        name,
        operands.map((operand) => operand.value(env)),
        scope.session,
      ),
  }
}

const RESULT_TYPES: Readonly<Record<string, DataType>> = {
  version: TEXT,
  current_schema: TEXT,
  current_user: TEXT,
  lower: TEXT,
  upper: TEXT,
  concat: TEXT,
  gen_random_text_uuid: TEXT,
  now: scalar('timestamp with time zone'),
  current_timestamp: scalar('timestamp with time zone'),
  length: scalar('integer'),
  char_length: scalar('integer'),
  octet_length: scalar('integer'),
  array_length: scalar('integer'),
  object_keys: arrayOf(TEXT),
}

function resultType(name: string, operands: readonly Compiled[]): DataType {
  if (name === 'abs' && operands.length === 1) return operands[0]!.type
  if (Object.hasOwn(RESULT_TYPES, name)) return RESULT_TYPES[name]!
  const types = operands.map(({ type }) => (type.kind === 'scalar' ? type.name : type.kind)).join(', ')
  throw new CrateError(`Unknown function: ${name}(${types})`, '42883')
}

const AGGREGATES = new Set(['count', 'min', 'max', 'sum'])

export function isAggregate(expression: Expression): boolean {
  switch (expression.kind) {
    case 'call':
      return expression.star || AGGREGATES.has(expression.name) || expression.operands.some(isAggregate)
    case 'cast':
    case 'negate':
    case 'not':
    case 'is-null':
      return isAggregate(expression.operand)
    case 'arithmetic':
    case 'concat':
    case 'compare':
      return isAggregate(expression.left) || isAggregate(expression.right)
    default:
      return false
  }
}

function aggregate(name: string, operand: Expression | null, scope: Scope): Compiled {
  if (operand === null) return { type: BIGINT, value: ({ group }) => BigInt(group!.length) }
  const over = compile(operand, scope)
  const values = (env: Env) => env.group!.map((row) => over.value({ row })).filter((value) => value !== null)
  if (name === 'count') return { type: BIGINT, value: (env) => BigInt(values(env).length) }
  if (name === 'sum')
    return {
      type: over.type,
      value: (env) =>
        values(env).reduce<Value>((sum, value) => (sum === null ? value : calculate('+', sum, value)), null),
    }
  const wanted = name === 'min' ? -1 : 1
  return {
    type: over.type,
    value: (env) =>
      values(env).reduce<Value>(
        (best, value) => (best === null || compareValues(value, best) * wanted > 0 ? value : best),
        null,
      ),
  }
}

function arithmetic(expression: Expression & { kind: 'arithmetic' }, scope: Scope): Compiled {
  const [left, right] = compileAlike(expression.left, expression.right, scope)
  const names = [left.type, right.type].map((type) => (type.kind === 'scalar' ? type.name : type.kind))
  const type = names.includes('numeric')
    ? scalar('numeric')
    : names.some((name) => name === 'double precision' || name === 'real')
      ? DOUBLE
      : BIGINT
  const kept = left.type.kind === 'scalar' && left.type.name.startsWith('timestamp') ? left.type : type
  return {
    type: kept,
    value: (env) => {
      const [a, b] = [left.value(env), right.value(env)]
      return a === null || b === null ? null : castTo(kept, calculate(expression.op, a, b))
    },
  }
}

function calculate(op: '+' | '-' | '*' | '/' | '%', a: Value, b: Value): Value {
  if (typeof a === 'bigint' && typeof b === 'bigint') {
    if (b === 0n && (op === '/' || op === '%')) throw new CrateError('/ by zero')
    return op === '+' ? a + b : op === '-' ? a - b : op === '*' ? a * b : op === '/' ? a / b : a % b
  }
  if (a instanceof Numeric || b instanceof Numeric) throw notInTheFake('arithmetic on NUMERIC')
  const [x, y] = [Number(a), Number(b)]
  return op === '+' ? x + y : op === '-' ? x - y : op === '*' ? x * y : op === '/' ? x / y : x % y
}

function negate(value: Value): Value {
  if (value instanceof Numeric) return readNumeric(`${value}`.startsWith('-') ? `${value}`.slice(1) : `-${value}`)
  return typeof value === 'bigint' || typeof value === 'number' ? -value : value
}

function like(value: Value, pattern: Value): boolean | null {
  if (value === null || pattern === null) return null
  const source = String(pattern).replace(/\\(.)|%|_|[.*+?^${}()|[\]\\]/gs, (found, escaped: string | undefined) => {
    if (escaped !== undefined) return escaped.replace(/[.*+?^${}()|[\]\\]/, '\\$&')
    return found === '%' ? '.*' : found === '_' ? '.' : `\\${found}`
  })
  return new RegExp(`^${source}$`, 's').test(String(value))
}
