/**
 * JSON text → value, character by character, for comparison: it shares nothing with `JSON.parse`. Of members of one name
 * the last counts, at the place of the first.
 * @throws Error for what is no JSON
 */
export function decodeJson(text: string): unknown {
  let at = 0
  const fail = (): never => {
    throw new Error(`no JSON at ${at}: ${text}`)
  }
  const space = (): void => {
    while (' \n\r\t'.includes(text[at] ?? 'x')) at++
  }
  const take = (piece: string): boolean => {
    if (!text.startsWith(piece, at)) return false
    at += piece.length
    return true
  }

  const string = (): string => {
    if (!take('"')) fail()
    let decoded = ''
    while (!take('"')) {
      const char = text[at++] ?? fail()
      if (char < ' ') fail()
      decoded += char === '\\' ? escaped() : char
    }
    return decoded
  }
  const escaped = (): string => {
    const char = text[at++] ?? fail()
    if (char !== 'u') return ESCAPES[char] ?? fail()
    const hex = text.slice(at, at + 4)
    if (!/^[\da-fA-F]{4}$/.test(hex)) fail()
    at += 4
    return String.fromCharCode(Number.parseInt(hex, 16))
  }

  const value = (): unknown => {
    space()
    if (text[at] === '"') return string()
    if (take('{')) return object()
    if (take('[')) return list()
    if (take('null')) return null
    if (take('true')) return true
    if (take('false')) return false
    const [number] = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/.exec(text.slice(at, at + 400)) ?? fail()
    at += number!.length
    return Number(number)
  }
  const object = (): unknown => {
    const members = new Map<string, unknown>()
    space()
    if (take('}')) return {}
    do {
      space()
      const name = string()
      space()
      if (!take(':')) fail()
      members.set(name, value())
      space()
    } while (take(','))
    if (!take('}')) fail()
    return Object.fromEntries(members)
  }
  const list = (): unknown[] => {
    const members: unknown[] = []
    space()
    if (take(']')) return members
    do {
      members.push(value())
      space()
    } while (take(','))
    if (!take(']')) fail()
    return members
  }

  const json = value()
  space()
  return at === text.length ? json : fail()
}

const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
}
