/**
 * JSON text → value, as `JSON.parse` does it, with the names that the text has. V8 from 12.8 on (Node.js 24 and 26, not 22) gives
 * wrong ones: it compares a name that is written with an escape, raw as it stands, with the name that followed in an
 * earlier object. After `{"k":1,"\\":1}` the names of `{"k":1,"\u4e2d":2}` are `k` and `\`.
 *
 * Whatever comes from outside is parsed by this. A text without an escaped name costs one search for a backslash more.
 *
 * @throws SyntaxError whose words quote the text
 * @see https://github.com/nodejs/node/issues/63785
 */
export function parseJson(text: string): unknown {
  return mayEscapeName(text) ? parseStandIns(text, JSON.parse) : JSON.parse(text)
}

/** @param source the text of a number, a string, a boolean or null; undefined for an object and an array */
export type Revive = (value: unknown, source: string | undefined) => unknown

/**
 * The same, each value replaced by what `revive` makes of it, members first. Unlike `parseJson` it uses the stack.
 * @throws SyntaxError; RangeError for a text that is nested too deeply
 */
export function parseJsonWithSource(text: string, revive: Revive): unknown {
  const parse: Parse = (json) => parseWithSource(json, (_, value, { source }) => revive(value, source))
  return mayEscapeName(text) ? parseStandIns(text, parse) : parse(text)
}

type Parse = (text: string) => unknown

/** The reviver's third argument is there from Node.js 22 on; missing from the TypeScript library. */
const parseWithSource = JSON.parse as (
  text: string,
  reviver: (name: string, value: unknown, context: { readonly source?: string }) => unknown,
) => unknown

/** The last escape of a string that ends in front of a colon. In JSON inside of JSON it may be none: that costs time, nothing else. */
const ESCAPED_NAME = /\\.[^"\\]*"\s*:/s

const mayEscapeName = (text: string): boolean => text.includes('\\') && ESCAPED_NAME.test(text)

/** A name in a text: its place, quotes included, and what it says. */
interface Name {
  readonly start: number
  readonly end: number
  readonly name: string
}

/** Parses the text with all names written without escapes: a name that cannot be has a stand-in meanwhile. */
function parseStandIns(text: string, parse: Parse): unknown {
  const names = [...namesIn(text)]
  const plain = new Set(names.map(({ name }) => name).filter((name) => !NEEDS_ESCAPE.test(name)))
  const standIns = new Map<string, string>()
  let number = 0
  const standInFor = (name: string): string => {
    // One for each name, so that of two members of one name the later still replaces the earlier.
    let standIn = standIns.get(name)
    while (standIn === undefined || plain.has(standIn)) standIn = `name ${number++}`
    standIns.set(name, standIn)
    return standIn
  }

  const pieces: string[] = []
  let done = 0
  for (const { start, end, name } of names) {
    pieces.push(text.slice(done, start), `"${NEEDS_ESCAPE.test(name) ? standInFor(name) : name}"`)
    done = end
  }
  const json = parse(pieces.join('') + text.slice(done))
  if (standIns.size > 0) restoreNames(json, new Map(Array.from(standIns, ([name, standIn]) => [standIn, name])))
  return json
}

/** What JSON allows in a string only as an escape, and a few more of the control characters. */
const NEEDS_ESCAPE = /["\\\p{Cc}]/u

/** All names; of a text that is no JSON those in front of what is wrong with it, and perhaps some. */
function* namesIn(text: string): Generator<Name, void, void> {
  for (let start = text.indexOf('"'); start !== -1; ) {
    const end = endOfString(text, start)
    COLON.lastIndex = end
    if (COLON.test(text)) {
      const name = decodeString(text.slice(start, end))
      if (name !== null) yield { start, end, name }
    }
    start = text.indexOf('"', end)
  }
}

const COLON = /\s*:/y

/** Where the string that begins at `start` is over; the end of the text if it is not. */
function endOfString(text: string, start: number): number {
  let quote = start
  do {
    quote = text.indexOf('"', quote + 1)
    if (quote === -1) return text.length
  } while (isEscaped(text, quote))
  return quote + 1
}

function isEscaped(text: string, at: number): boolean {
  let first = at
  while (text[first - 1] === '\\') first--
  return (at - first) % 2 === 1
}

/** Null for what is no string of JSON: what is wrong with it is said when all is parsed. */
function decodeString(token: string): string | null {
  try {
    return JSON.parse(token) as string
  } catch {
    return null
  }
}

/** Goes down without the stack: a text may be nested as deeply as it likes. */
function restoreNames(json: unknown, nameOf: ReadonlyMap<string, string>): void {
  const found = [json].filter(isHolder)
  for (const holder of found) {
    for (const member of Object.values(holder)) if (isHolder(member)) found.push(member)
    if (!Array.isArray(holder) && Object.keys(holder).some((name) => nameOf.has(name))) rename(holder, nameOf)
  }
}

const isHolder = (json: unknown): json is object => typeof json === 'object' && json !== null

/** In place, for whatever holds the object; all members are put in again, so that their order stays. */
function rename(holder: object, nameOf: ReadonlyMap<string, string>): void {
  const members = Object.entries(holder)
  for (const [name] of members) Reflect.deleteProperty(holder, name)
  for (const [name, value] of members) {
    const property = { value, writable: true, enumerable: true, configurable: true }
    Object.defineProperty(holder, nameOf.get(name) ?? name, property)
  }
}
