/** An exact decimal: `unscaled` × 10^-`scale`. */
export class Numeric {
  readonly unscaled: bigint
  readonly scale: number

  constructor(unscaled: bigint, scale: number) {
    this.unscaled = unscaled
    this.scale = scale
  }

  /** As Java prints a BigDecimal: small ones with an exponent, `0E-10`, `1.000E-7`. */
  toString(): string {
    const sign = this.unscaled < 0n ? '-' : ''
    const digits = (this.unscaled < 0n ? -this.unscaled : this.unscaled).toString()
    const exponent = digits.length - 1 - this.scale
    if (exponent < -6) return `${sign}${digits[0]}${digits.length > 1 ? `.${digits.slice(1)}` : ''}E${exponent}`
    const padded = digits.padStart(this.scale + 1, '0')
    const whole = padded.slice(0, padded.length - this.scale)
    return `${sign}${whole}${this.scale === 0 ? '' : `.${padded.slice(-this.scale)}`}`
  }
}

/** Null when the text is no number. */
export function readNumeric(text: string): Numeric | null {
  const parts = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/.exec(text.trim())
  if (parts === null) return null
  const [, sign, whole = '', fraction = '', exponent = '0'] = parts
  if (whole === '' && fraction === '') return null
  const unscaled = BigInt(`${sign === '-' ? '-' : ''}${whole}${fraction}`)
  const scale = fraction.length - Number(exponent)
  return scale >= 0 ? new Numeric(unscaled, scale) : new Numeric(unscaled * 10n ** BigInt(-scale), 0)
}

/** Rounds half up, away from zero. */
export function rescale(value: Numeric, scale: number): Numeric {
  if (scale >= value.scale) return new Numeric(value.unscaled * 10n ** BigInt(scale - value.scale), scale)
  const divisor = 10n ** BigInt(value.scale - scale)
  const half = value.unscaled < 0n ? -divisor / 2n : divisor / 2n
  return new Numeric((value.unscaled + half) / divisor, scale)
}

export function digitsOf(value: Numeric): number {
  return (value.unscaled < 0n ? -value.unscaled : value.unscaled).toString().length
}

export function compareNumerics(a: Numeric, b: Numeric): number {
  const scale = Math.max(a.scale, b.scale)
  const left = rescale(a, scale).unscaled
  const right = rescale(b, scale).unscaled
  return left < right ? -1 : left > right ? 1 : 0
}
