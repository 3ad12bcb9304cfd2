/**
 * The one text that `SHOW CREATE TABLE` answers: first the columns, each with what is declared of it, then the primary key,
 * then the rest. Read by its tokens, since defaults and names may hold anything: `'x,\n   PRIMARY KEY ('`.
 */
export interface CreateTable {
  /** By name what stands behind it: `OBJECT(STRICT) AS (…)`. */
  readonly columns: ReadonlyMap<string, string>
  /** The text from the first element that is no column; empty if there is none. */
  readonly rest: string
}

const IDENTIFIER = '"((?:[^"]|"")+)"'
const HEAD = /^CREATE (?:FOREIGN )?TABLE (?:IF NOT EXISTS )?"(?:[^"]|"")+"\."(?:[^"]|"")+" \(\s*/
const COLUMN_NAME = new RegExp(`${IDENTIFIER} `, 'y')
/** A quoted name, a quoted text, or one character. */
const TOKEN = /"(?:[^"]|"")*"|'(?:[^']|'')*'|[\s\S]/gy
const SPACE = /\s*/y

export function readCreateTable(text: string): CreateTable {
  const columns = new Map<string, string>()
  const head = HEAD.exec(text)
  if (head === null) return { columns, rest: '' }
  let at = head[0].length
  while (text[at] === '"') {
    COLUMN_NAME.lastIndex = at
    const name = COLUMN_NAME.exec(text)
    if (name === null) break
    const end = endOfElement(text, COLUMN_NAME.lastIndex)
    columns.set(name[1]!.replaceAll('""', '"'), text.slice(COLUMN_NAME.lastIndex, end).trimEnd())
    if (text[end] !== ',') return { columns, rest: '' }
    SPACE.lastIndex = end + 1
    SPACE.exec(text)
    at = SPACE.lastIndex
  }
  return { columns, rest: text.slice(at) }
}

/** The place of the comma, or of the bracket that closes the list. */
function endOfElement(text: string, from: number): number {
  let depth = 0
  TOKEN.lastIndex = from
  for (let token = TOKEN.exec(text)?.[0]; token !== undefined; token = TOKEN.exec(text)?.[0]) {
    if (depth === 0 && (token === ',' || token === ')')) return TOKEN.lastIndex - 1
    if ('([{'.includes(token)) depth++
    else if (')]}'.includes(token)) depth--
  }
  return text.length
}

const KEY_PART = new RegExp(`${IDENTIFIER}((?:\\['(?:[^']|'')*'\\])*)(, |\\))`, 'y')

/**
 * The paths of the primary key: `PRIMARY KEY ("pk"['id'], "n")` is `[['pk', 'id'], ['n']]`.
 * @param constraint its name, which is printed as it is, without quotes
 * @returns null if it does not read so
 */
export function primaryKeyIn({ rest }: CreateTable, constraint: string): readonly (readonly string[])[] | null {
  const start = ['PRIMARY KEY (', `CONSTRAINT ${constraint} PRIMARY KEY (`].find((words) => rest.startsWith(words))
  if (start === undefined) return null
  const paths: string[][] = []
  KEY_PART.lastIndex = start.length
  for (let part = KEY_PART.exec(rest); part !== null; part = KEY_PART.exec(rest)) {
    const members = [...part[2]!.matchAll(/\['((?:[^']|'')*)'\]/g)].map(([, member]) => member!.replaceAll("''", "'"))
    paths.push([part[1]!.replaceAll('""', '"'), ...members])
    if (part[3] === ')') return paths
  }
  return null
}
