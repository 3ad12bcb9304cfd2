/**
 * Reads the text of an array parameter as CrateDB's grammar (PgArray) does: quoted strings with the escapes of JSON, the
 * word NULL, and bare words. @throws on all else
 */
export function readArray(text: string): (string | null)[] {
  if (text === '{}') return []
  if (!text.startsWith('{') || !text.endsWith('}')) throw new Error('an array stands in braces')
  const elements: (string | null)[] = []
  for (let at = 1; ; at = ITEM.lastIndex + 1) {
    ITEM.lastIndex = at
    const [item, quoted] = ITEM.exec(text) ?? []
    if (item === undefined) throw new Error(`no element at ${at}`)
    elements.push(quoted !== undefined ? quoted.replaceAll(ESCAPE, read) : /^null$/i.test(item) ? null : item)
    if (ITEM.lastIndex === text.length - 1) return elements
    if (text[ITEM.lastIndex] !== ',') throw new Error(`no comma at ${ITEM.lastIndex}`)
  }
}

const ITEM = /"((?:\\(?:["\\/bfnrt]|u[\da-fA-F]{4})|[^"\\])*)"|[^,"\\{}\s]+/y
const ESCAPE = /\\(?:u([\da-fA-F]{4})|(.))/g

const read = (_: string, unit: string | undefined, char: string): string =>
  JSON.parse(`"\\${unit ? `u${unit}` : char}"`)
