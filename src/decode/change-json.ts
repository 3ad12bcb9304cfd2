import { Binary, type Change, type Row, type Value, type ValuePath } from '../change.ts'
import { RelayError } from '../errors.ts'
import { parseExact } from './exact-json.ts'

/**
 * The JSON of a change record → the change, every number exact.
 *
 * @param json as `recordToJson` writes it; a database may have put its members in another order
 * @param binary where base64 stands for bytes: in the JSON it is text
 * @throws RelayError DECODE_VALUE for what is no change record
 */
export function changeFromJson(json: string, binary: readonly ValuePath[] = []): Change {
  const record = parseExact(json)
  if (!isRow(record) || record.kind !== 'change' || !isRow(record.table) || !isRow(record.source)) {
    throw new RelayError('DECODE_VALUE', 'The change of the dead letter is not a change record')
  }
  for (const path of binary) readBinary(record, path)
  const { key = null, before = null, after = null } = record
  // Its members are those of a change, and JSON has no `undefined`.
  return { ...(record as unknown as Change), key, before, after } as Change
}

const isRow = (value: Value | undefined): value is Record<string, Value> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** In place. What is not there any more, or no text, stays. */
function readBinary(record: Row, path: ValuePath): void {
  let holder = record as Record<string | number, Value>
  for (const step of path.slice(0, -1)) {
    const next = holder[step]
    if (typeof next !== 'object' || next === null) return
    holder = next as Record<string | number, Value>
  }
  const name = path.at(-1)!
  const text = holder[name]
  if (typeof text === 'string') holder[name] = Binary.fromBase64Text(text)
}
