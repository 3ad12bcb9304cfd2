import { sql } from 'kysely'
import { Numeric } from '../../../../change.ts'
import type { Codec } from '../../../tables/codecs/codec.ts'
import { withoutExponent } from '../documents/json-text.ts'
import type { CrateColumn } from '../tables/column.ts'
import { quotedElement } from './array-literal.ts'
import type { ReadBack } from './written-table.ts'

/**
 * How the values of a column come back through node-postgres, so that they are the elements that its codec makes of them.
 * @param codec of the same column
 */
export function readBackOf({ dataType }: CrateColumn, codec: Codec): ReadBack {
  switch (dataType) {
    case 'boolean':
    case 'smallint':
    case 'integer':
    case 'bigint':
      return { asked: (id) => id, element: String }
    case 'real':
    case 'double precision':
      return { asked: (id) => id, element: (answer) => codec.encode(Number(answer))! }
    case 'numeric':
      return { asked: (id) => id, element: (answer) => codec.encode(new Numeric(plainNumeric(answer)))! }
    case 'timestamp with time zone':
    case 'timestamp without time zone':
      return { asked: (id) => sql`${id}::bigint`, element: String }
    case 'date':
      return { asked: (id) => id, element: (answer) => `"${dateText(answer)}"` }
    case 'character':
      return { asked: (id) => id, element: (answer) => quotedElement(String(answer).replace(/ +$/, '')) }
    case 'object':
      return JSON_TEXT
    default:
      return { asked: (id) => id, element: (answer) => quotedElement(String(answer)) }
  }
}

/** Objects come back as text: parsed, their numbers would lose digits. */
export const JSON_TEXT: ReadBack = {
  asked: (id) => sql`${id}::text`,
  element: (answer) => quotedElement(String(answer)),
}

/** CrateDB prints a NUMERIC as Java does: `0E-10`, `1.000E-7`. */
export const plainNumeric = (answer: unknown): string => withoutExponent(String(answer))!

/** node-postgres makes of a date the midnight of this machine's time zone. */
export function dateText(answer: unknown): string {
  if (!(answer instanceof Date)) return String(answer)
  const [year, month, day] = [answer.getFullYear(), answer.getMonth() + 1, answer.getDate()]
  return `${pad(year, 4)}-${pad(month, 2)}-${pad(day, 2)}`
}

const pad = (number: number, digits: number): string => String(number).padStart(digits, '0')
