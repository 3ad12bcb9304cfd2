import { castTo } from './casts.ts'
import { CrateError } from './failure.ts'
import { type DataType, isText } from './types.ts'
import { isList, type Value, writeDouble, writeJson } from './values.ts'

/**
 * Values as text on the wire. Parameters: arrays in PostgreSQL's notation (`{1,"a\"b",NULL}`), or as JSON; objects, also
 * inside arrays, as JSON. Results: arrays in PostgreSQL's notation, objects and arrays of arrays as JSON.
 */
export function readParameter(text: string, type: DataType): Value {
  if (type.kind === 'array' && text.startsWith('{')) return castElements(readArray(text), type.element)
  // Whatever it does not know is false, without a word.
  if (type.kind === 'scalar' && type.name === 'boolean') return TRUE.has(text)
  return castTo(type, text)
}

const TRUE: ReadonlySet<string> = new Set(['1', 't', 'T', 'true', 'TRUE'])

export function writeResult(value: Value, type: DataType): string | null {
  if (value === null) return null
  if (type.kind === 'array') {
    if (type.element.kind === 'array' || !isList(value)) return writeJson(value)
    return `{${value.map((element) => writeElement(element, type.element)).join(',')}}`
  }
  if (type.kind === 'object') return writeJson(value)
  switch (type.name) {
    case 'boolean':
      return value === true ? 't' : 'f'
    case 'timestamp with time zone':
    case 'timestamp without time zone':
      return writeTimestamp(value as bigint, type.name === 'timestamp with time zone' ? '+00' : '')
    case 'date':
      return new Date(Number(value)).toISOString().slice(0, 10)
    case 'real':
      return writeReal(value as number)
    default:
      return typeof value === 'string' ? value : typeof value === 'number' ? writeDouble(value) : writeJson(value)
  }
}

type Nested = string | null | readonly Nested[]

function castElements(elements: readonly Nested[], type: DataType): Value {
  return elements.map((element) => {
    if (element === null) return null
    if (typeof element === 'string') return readParameter(element, type)
    return castElements(element, type.kind === 'array' ? type.element : type)
  })
}

/** The escapes that may stand inside quotes are those of JSON; outside quotes NULL is null. */
function readArray(text: string): readonly Nested[] {
  let at = 0
  const elements = list()
  if (at !== text.length) throw malformed()
  return elements

  function list(): Nested[] {
    at++
    const found: Nested[] = []
    if (text[at] === '}') {
      at++
      return found
    }
    for (;;) {
      found.push(text[at] === '{' ? list() : text[at] === '"' ? quoted() : bare())
      const next = text[at++]
      if (next === '}') return found
      if (next !== ',') throw malformed()
    }
  }

  function quoted(): string {
    const start = ++at
    let escaped = false
    while (text[at] !== '"') {
      if (at >= text.length) throw malformed()
      if (text[at] === '\\') {
        escaped = true
        at++
      }
      at++
    }
    const inner = text.slice(start, at++)
    return escaped ? unescaped(inner) : inner
  }

  function bare(): string | null {
    const start = at
    while (at < text.length && text[at] !== ',' && text[at] !== '}') at++
    const word = text.slice(start, at).trim()
    return word.toUpperCase() === 'NULL' ? null : word
  }

  function malformed(): CrateError {
    return new CrateError(`Cannot parse \`${text.slice(0, 80)}\` as an array`)
  }
}

/** Of the escapes that the grammar takes only these two are read as such; others stay as they stand there, as seen on 6.4. */
function unescaped(text: string): string {
  return text.replace(/\\(?:u[0-9a-fA-F]{4}|([\s\S]))/g, (all, letter: string | undefined) => {
    if (letter === '"' || letter === '\\') return letter
    if (letter === undefined || '/bfnrt'.includes(letter)) return all
    throw new CrateError(`line 1:1: token recognition error at: '"\\${letter}'`)
  })
}

function writeElement(element: Value, type: DataType): string {
  const text = writeResult(element, type)
  if (text === null) return 'NULL'
  const plain = type.kind === 'scalar' && !isText(type) && !type.name.startsWith('timestamp')
  return plain ? text : `"${text.replace(/[\\"]/g, '\\$&')}"`
}

function writeTimestamp(milliseconds: bigint, zone: string): string {
  return new Date(Number(milliseconds)).toISOString().replace('T', ' ').replace('Z', zone)
}

/** The shortest digits that give the same single-precision number again. */
function writeReal(value: number): string {
  for (let digits = 1; digits < 9; digits++) {
    const text = value.toPrecision(digits)
    if (Math.fround(Number(text)) === value) return writeDouble(Number(text))
  }
  return writeDouble(value)
}
