import { type Value, writeJson } from './values.ts'

/** Of Lucene. */
export const LONGEST_TERM_BYTES = 32_766

/** The `_id` of a row: a key of one column as text, one of several in base64 of all, each with its length. `io.crate.analyze.Id` */
export function idText(key: readonly Value[]): string {
  const texts = key.map((value) => (typeof value === 'string' ? value : writeJson(value)))
  if (texts.length === 1) return texts[0]!
  const parts = texts.flatMap((text) => [lengthBytes(Buffer.byteLength(text)), Buffer.from(text)])
  return Buffer.concat([lengthBytes(texts.length), ...parts]).toString('base64')
}

/** Seven bits a byte, the lowest first. */
function lengthBytes(length: number): Buffer {
  const bytes: number[] = []
  let rest = length
  for (; rest > 127; rest >>>= 7) bytes.push((rest & 127) | 128)
  return Buffer.from([...bytes, rest])
}

/** How long the term is that stands for an id: digits and what reads as base64 are packed. `org.elasticsearch.index.mapper.Uid` */
export function termBytes(id: string): number {
  if (/^\d+$/.test(id)) return 1 + Math.ceil(id.length / 2)
  const decoded = Buffer.from(id, 'base64url')
  if (id !== '' && decoded.toString('base64url') === id) return decoded.length + (decoded[0]! >= 0xfd ? 1 : 0)
  return 1 + Buffer.byteLength(id)
}
