/**
 * The values of one column as the text of one array parameter, `{1,NULL,"a \"b\""}`, for `unnest($1::array(…))`.
 * @param elements as the column's codec encodes them; null is NULL. All of one column: arrays of differing lengths would be padded
 */
export function arrayLiteral(elements: readonly (string | null)[]): string {
  let text = ''
  for (const element of elements) text += `,${element ?? 'NULL'}`
  return `{${text.slice(1)}}`
}

/**
 * Any text as an element. Between quotes CrateDB takes every character but these two, and refuses most others behind a backslash.
 */
export const quotedElement = (text: string): string =>
  NEEDS_ESCAPE.test(text) ? `"${text.replaceAll(ESCAPED, '\\$&')}"` : `"${text}"`

/** An element → its value as a parameter of its own. */
export const elementText = (element: string): string =>
  element.startsWith('"') ? element.slice(1, -1).replaceAll(ESCAPE, '$1') : element

const NEEDS_ESCAPE = /["\\]/
const ESCAPED = /["\\]/g
const ESCAPE = /\\(["\\])/g
