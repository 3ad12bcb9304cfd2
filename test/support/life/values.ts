/**
 * A value twice: as DynamoDB writes it into a Kinesis stream, and as PostgreSQL prints it from a `jsonb` column.
 * The truth that a mirror is compared with comes from `plain`, so nothing here may use the decoder of the relay.
 */
export interface Twin {
  readonly wire: string
  readonly plain: string
}

export const text = (value: string): Twin => {
  const json = JSON.stringify(value)
  return { wire: `{"S":${json}}`, plain: json }
}

/** @param digits plain decimal as DynamoDB trims it: no exponent, no leading `+`, no zeros at either end */
export const number = (digits: string): Twin => ({ wire: `{"N":"${digits}"}`, plain: digits })

export const flag = (value: boolean): Twin => ({ wire: `{"BOOL":${value}}`, plain: String(value) })

export const nothing: Twin = { wire: '{"NULL":true}', plain: 'null' }

/** DynamoDB encodes binary twice on its way into a Kinesis stream. */
export const binary = (bytes: Uint8Array): Twin => ({
  wire: `{"B":"${twice(bytes)}"}`,
  plain: `"${base64(bytes)}"`,
})

export const list = (values: readonly Twin[]): Twin => ({
  wire: `{"L":[${values.map(({ wire }) => wire).join(',')}]}`,
  plain: array(values.map(({ plain }) => plain)),
})

export const map = (members: Iterable<readonly [string, Twin]>): Twin => ({
  wire: `{"M":${wireImage(members)}}`,
  plain: plainImage(members),
})

/** Sets have no order on the wire; they come out sorted: text by code unit, integers by size, binary by its base64. */
export const textSet = (members: readonly string[]): Twin => ({
  wire: `{"SS":${JSON.stringify(members)}}`,
  plain: array([...members].sort().map((member) => JSON.stringify(member))),
})

export const integerSet = (members: readonly string[]): Twin => ({
  wire: `{"NS":${JSON.stringify(members)}}`,
  plain: array([...members].sort((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1))),
})

export const binarySet = (members: readonly Uint8Array[]): Twin => ({
  wire: `{"BS":${JSON.stringify(members.map(twice))}}`,
  plain: array([...members].sort(Buffer.compare).map((member) => `"${base64(member)}"`)),
})

/** Attribute name → value, as in `Keys`, `NewImage` and `OldImage`. */
export function wireImage(members: Iterable<readonly [string, Twin]>): string {
  let json = ''
  for (const [name, { wire }] of members) json += `${json === '' ? '' : ','}${JSON.stringify(name)}:${wire}`
  return `{${json}}`
}

/** jsonb prints the members of an object by the length of their name in bytes, then by its bytes. */
export function plainImage(members: Iterable<readonly [string, Twin]>): string {
  const sorted = Array.from(members, ([name, { plain }]) => ({ bytes: Buffer.from(name), name, plain })).sort(
    (a, b) => a.bytes.length - b.bytes.length || a.bytes.compare(b.bytes),
  )
  return `{${sorted.map(({ name, plain }) => `${JSON.stringify(name)}: ${plain}`).join(', ')}}`
}

const array = (members: readonly string[]): string => `[${members.join(', ')}]`
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')
const twice = (bytes: Uint8Array): string => Buffer.from(base64(bytes)).toString('base64')
