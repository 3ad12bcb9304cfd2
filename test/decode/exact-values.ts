/** JSON text → its values for `deepEqual`: numbers as their exact decimal, objects as sorted members. Of members of one name the last counts. */
export function exactJson(text: string): unknown {
  return sorted(
    (JSON.parse as (text: string, revive: Revive) => unknown)(text, (_, value, { source }) =>
      typeof value === 'number' ? { exactly: decimalOf(source!) } : value,
    ),
  )
}

type Revive = (name: string, value: unknown, context: { readonly source?: string }) => unknown

/** One text for one number: digits without zeros at the ends, and where the point stands. */
function decimalOf(token: string): string {
  const [, sign, whole, fraction = '', exponent = '0'] = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(token)!
  const digits = (whole! + fraction).replace(/^0+/, '')
  const shown = digits.replace(/0+$/, '')
  if (shown === '') return '0'
  return `${sign}${shown}e${digits.length - fraction.length + Number(exponent)}`
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.entries(value)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, member]) => [name, sorted(member)])
}
