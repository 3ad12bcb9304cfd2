import { Numeric } from '../../../change.ts'
import type { UnderlyingType } from '../relation.ts'
import type { Codec } from './codec.ts'
import { numericCodec } from './number.ts'

/**
 * Money travels as a number: how a text of it is read depends on the server's `lc_monetary`, and more digits than that has
 * behind the point would be rounded. A text with a currency sign is read as the server prints one.
 */
export function moneyCodec({ money }: UnderlyingType): Codec {
  const digits = money?.digits ?? 2
  const { encode } = numericCodec(-1, 'textual')
  const written = money === undefined ? undefined : formOf(money.thousand)
  const isHeld = (text: string): boolean => {
    const cents = centsOf(text, digits)
    return cents !== undefined && cents >= -(2n ** 63n) && cents < 2n ** 63n
  }
  return {
    travelsAs: 'numeric',
    castTo: 'money',
    isKeyable: false,
    holds: `amounts with at most ${digits} digits behind the point`,
    encode(value) {
      if (typeof value !== 'string' && typeof value !== 'number' && !(value instanceof Numeric)) return undefined
      const text = encode(typeof value === 'string' ? (written?.(value) ?? value) : value)
      return text !== undefined && isHeld(text) ? text : undefined
    },
  }
}

/** The number in the smallest unit; undefined if it is finer, or none. */
function centsOf(text: string, digits: number): bigint | undefined {
  const match = /^(-?\d+)(?:\.(\d+))?$/.exec(text)
  if (match === null || (match[2]?.length ?? 0) > digits) return undefined
  return BigInt(`${match[1]}${(match[2] ?? '').padEnd(digits, '0')}`)
}

/**
 * A function that reads what is written with a currency sign; undefined for what is not.
 * @param thousand how the server prints 1000: `$1,000.00`, `1.000,00 €`
 */
function formOf(thousand: string): ((text: string) => string | undefined) | undefined {
  const match = /^([^\d]*)1([^\d]?)000(?:([^\d])0+)?([^\d]*)$/.exec(thousand)
  const sign = `${match?.[1] ?? ''}${match?.[4] ?? ''}`.trim()
  if (match === null || sign === '') return undefined
  const [, , group, point] = match
  return (text) => {
    if (!text.includes(sign)) return undefined
    const bare = text.replace(sign, '').replaceAll(/\s/g, '')
    const isNegative = /^(-.*|\(.*\)|.*-)$/.test(bare)
    const digits = bare.replaceAll(/[-()]/g, '')
    const plain = (group === '' ? digits : digits.replaceAll(group!, '')).replace(point ?? '.', '.')
    return /^\d+(\.\d+)?$/.test(plain) ? `${isNegative ? '-' : ''}${plain}` : undefined
  }
}
