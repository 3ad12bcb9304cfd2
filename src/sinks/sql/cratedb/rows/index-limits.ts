import { RelayError } from '../../../../errors.ts'
import type { Key } from '../../../tables/mirror.ts'
import { elementText } from './array-literal.ts'

/** The longest term of the index, less the byte in front that tells how the id is packed. */
const MOST_ID_BYTES = 32_765

/**
 * The key itself, if the id that CrateDB makes of it fits the index: of a key of one column its text, of several the base64 of
 * all of them, each with its length in front, which leaves them about 24,560 bytes together. A few longer ones would fit,
 * since an id that looks like base64 without padding is packed.
 *
 * @throws RelayError SINK_REFUSED
 */
export function fittingKey(key: Key, source: string): Key {
  // A UTF-16 unit has at most three bytes, and base64 four for each three of them.
  if (key.text.length * 4 + 20 <= MOST_ID_BYTES || idBytes(key) <= MOST_ID_BYTES) return key
  const most = key.tokens.length === 1 ? '32,765 bytes' : 'about 24,560 bytes in all columns of a key together'
  throw new RelayError('SINK_REFUSED', `The key of table ${source} is too long: CrateDB takes at most ${most}`)
}

function idBytes({ tokens }: Key): number {
  const bytes = tokens.map((token) => Buffer.byteLength(elementText(token)))
  if (bytes.length === 1) return bytes[0]!
  const all = bytes.reduce((sum, length) => sum + lengthBytes(length) + length, lengthBytes(bytes.length))
  return Math.ceil(all / 3) * 4
}

/** CrateDB writes lengths in groups of seven bits. */
const lengthBytes = (length: number): number => (length < 128 ? 1 : length < 16_384 ? 2 : 3)

/** Of a text in a column with an index or a column store. https://cratedb.com/docs/crate/reference/en/latest/general/ddl/storage.html */
const MAX_TEXT_BYTES = 32_766

/** Whether CrateDB takes a text where it indexes it. A UTF-16 unit has at most three bytes, so most are not counted. */
export const fitsIndex = (text: string): boolean =>
  text.length * 3 <= MAX_TEXT_BYTES || Buffer.byteLength(text) <= MAX_TEXT_BYTES
