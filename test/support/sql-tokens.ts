/** One token of SQL as PostgreSQL reads it; white space and comments are none. */
export interface Token {
  /** `body` is text between dollars: the statements of a DO block or a function. */
  readonly kind: 'word' | 'quoted' | 'text' | 'body' | 'parameter' | 'number' | 'mark'
  /** A word in lower case, a quoted name or a text without its quotes, the rest as written. */
  readonly value: string
  /** Where it stands in the SQL: the index of its first character, and the one behind its last. */
  readonly start: number
  readonly end: number
}

export function tokensOf(sql: string): Token[] {
  const tokens: Token[] = []
  for (const match of sql.matchAll(TOKEN)) {
    const [written] = match
    const kind = KINDS.find((one) => match.groups![one] !== undefined)
    if (kind === undefined) continue
    tokens.push({ kind, value: valueIn(kind, written), start: match.index, end: match.index + written.length })
  }
  return tokens
}

/** The statements between semicolons, each as its tokens; those inside of a body count as well. */
export function statementsOf(sql: string): readonly (readonly Token[])[] {
  const known = read.get(sql)
  if (known !== undefined) return known
  const statements = statementsIn(sql)
  if (read.size < KNOWN_TEXTS) read.set(sql, statements)
  return statements
}

/** A relay sends the same texts again and again. */
const read = new Map<string, readonly (readonly Token[])[]>()
const KNOWN_TEXTS = 5000

function statementsIn(sql: string): readonly (readonly Token[])[] {
  const statements: Token[][] = [[]]
  for (const token of tokensOf(sql)) {
    if (token.value === ';' && token.kind === 'mark') statements.push([])
    else statements.at(-1)!.push(token)
  }
  const bodies = statements.flat().filter(({ kind }) => kind === 'body')
  return [...statements.filter(({ length }) => length > 0), ...bodies.flatMap(({ value }) => statementsIn(value))]
}

/**
 * A statement for regular expressions: its words in capital letters with one space between all tokens, and nothing that
 * names or values could be taken for: `INSERT INTO NAME ( NAME ) VALUES ( TEXT )` of quoted names is
 * `INSERT INTO "" ( "" ) VALUES ( '' )`.
 */
export function shapeOf(statement: readonly Token[]): string {
  return statement.map(({ kind, value }) => STANDS_FOR[kind] ?? value.toUpperCase()).join(' ')
}

/** The index of the mark that closes what the one at `open` opens, or the end of the statement. */
export function closing(statement: readonly Token[], open: number): number {
  let depth = 0
  for (let i = open; i < statement.length; i++) {
    if (isMark(statement[i], '(')) depth++
    if (isMark(statement[i], ')') && --depth === 0) return i
  }
  return statement.length
}

/** Cuts at the commas that stand in no parentheses. */
export function listed(tokens: readonly Token[]): Token[][] {
  const items: Token[][] = [[]]
  let depth = 0
  for (const token of tokens) {
    if (isMark(token, '(')) depth++
    if (isMark(token, ')')) depth--
    if (depth === 0 && isMark(token, ',')) items.push([])
    else items.at(-1)!.push(token)
  }
  return items.filter(({ length }) => length > 0)
}

export const isMark = (token: Token | undefined, mark: string): boolean =>
  token?.kind === 'mark' && token.value === mark

export const isName = (token: Token | undefined): boolean => token?.kind === 'word' || token?.kind === 'quoted'

const KINDS: readonly Token['kind'][] = ['word', 'mark', 'quoted', 'text', 'number', 'parameter', 'body']

const TOKEN = new RegExp(
  [
    String.raw`(?<space>\s+|--[^\n]*|/\*[\s\S]*?\*/)`,
    `(?<quoted>"(?:[^"]|"")*")`,
    String.raw`(?<text>[eE]'(?:[^'\\]|\\[\s\S]|'')*'|(?:[bBxXnN]|[uU]&)?'(?:[^']|'')*')`,
    String.raw`(?<body>\$(?<tag>\w*)\$[\s\S]*?\$\k<tag>\$)`,
    String.raw`(?<parameter>\$\d+)`,
    String.raw`(?<word>[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*)`,
    String.raw`(?<number>\d[\w.]*)`,
    String.raw`(?<mark>::|[-+*/<>=~!@#%^&|?]+|[\s\S])`,
  ].join('|'),
  'g',
)

function valueIn(kind: Token['kind'], written: string): string {
  switch (kind) {
    case 'word':
      return written.toLowerCase()
    case 'quoted':
      return written.slice(1, -1).replaceAll('""', '"')
    case 'text':
      return written.slice(written.indexOf("'") + 1, -1).replaceAll("''", "'")
    case 'body': {
      const quotes = written.indexOf('$', 1) + 1
      return written.slice(quotes, -quotes)
    }
    default:
      return written
  }
}

const STANDS_FOR: Partial<Record<Token['kind'], string>> = {
  quoted: '""',
  text: "''",
  body: '$$',
  parameter: '$1',
  number: '0',
}
