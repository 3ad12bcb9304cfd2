/**
 * JSON text → its values for `deepEqual`: numbers as their exact decimal, objects as sorted members. Of members of one name the last counts.
 * Not by `JSON.parse`, whose names V8 gets wrong now and then: https://github.com/nodejs/node/issues/63785
 * @throws SyntaxError
 */
export function exactJson(text: string): unknown {
  const tokens = tokensOf(text)
  const value = parsedValue(tokens)
  if (!tokens.next().done) throw new SyntaxError('More follows the value')
  return value
}

const TOKEN = /\s*(?:([{}[\],:])|("(?:[^"\\]|\\.)*")|([^\s{}[\],:"]+))/sy

function* tokensOf(text: string): Generator<string, undefined, void> {
  const token = new RegExp(TOKEN)
  const { length } = text.trimEnd()
  while (token.lastIndex < length) {
    const match = token.exec(text)
    if (match === null) throw new SyntaxError('A string does not end')
    yield match[1] ?? match[2] ?? match[3]!
  }
  return undefined
}

type Tokens = Iterator<string, undefined, void>

const nextOf = (tokens: Tokens): string => {
  const { value } = tokens.next()
  if (value === undefined) throw new SyntaxError('The text ends too early')
  return value
}

function parsedValue(tokens: Tokens, token = nextOf(tokens)): unknown {
  if (token === '{') return membersOf(tokens)
  if (token === '[') return elementsOf(tokens)
  const value: unknown = JSON.parse(token)
  return typeof value === 'number' ? { exactly: decimalOf(token) } : value
}

function membersOf(tokens: Tokens): unknown {
  const members = new Map<string, unknown>()
  let token = nextOf(tokens)
  while (token !== '}') {
    const name = JSON.parse(token) as string
    if (nextOf(tokens) !== ':') throw new SyntaxError('A name without a value')
    members.set(name, parsedValue(tokens))
    token = separated(tokens, '}')
  }
  return [...members].sort(([one], [other]) => (one < other ? -1 : 1))
}

function elementsOf(tokens: Tokens): unknown {
  const elements: unknown[] = []
  let token = nextOf(tokens)
  while (token !== ']') {
    elements.push(parsedValue(tokens, token))
    token = separated(tokens, ']')
  }
  return elements
}

/** Behind a member: `end`, or the first token of the next one. */
function separated(tokens: Tokens, end: string): string {
  const token = nextOf(tokens)
  if (token === end) return token
  if (token !== ',') throw new SyntaxError('A comma is missing')
  const next = nextOf(tokens)
  if (next === end) throw new SyntaxError('A comma too many')
  return next
}

/** One text for one number: digits without zeros at the ends, and where the point stands. */
function decimalOf(token: string): string {
  const [, sign, whole, fraction = '', exponent = '0'] = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(token)!
  const digits = (whole! + fraction).replace(/^0+/, '')
  const shown = digits.replace(/0+$/, '')
  if (shown === '') return '0'
  return `${sign}${shown}e${digits.length - fraction.length + Number(exponent)}`
}
