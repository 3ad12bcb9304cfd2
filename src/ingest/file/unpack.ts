import { once } from 'node:events'
import { createGunzip, type Gunzip } from 'node:zlib'
import { RelayError } from '../../errors.ts'

export type Packing = 'gzip' | 'utf-16le' | 'utf-16be'

/** How many bytes of a file tell its packing. */
export const MAGIC_BYTES = 4

/** In hexadecimal digits, how a file begins. */
const PACKINGS: readonly (readonly [magic: string, packing: Packing])[] = [
  ['1f8b', 'gzip'],
  // Windows PowerShell writes what a program prints so.
  ['fffe', 'utf-16le'],
  ['feff', 'utf-16be'],
]

const FOREIGN: readonly (readonly [magic: string, name: string])[] = [
  ['504b0304', 'a zip archive'],
  ['28b52ffd', 'packed by zstd'],
  ['425a68', 'packed by bzip2'],
  ['fd377a58', 'packed by xz'],
  ['50415231', 'a Parquet file'],
  ['4f626a01', 'an Avro file'],
]

/** By content, not by name; null for plain text. @throws RelayError CONFIGURATION */
export function packingOf(head: Buffer): Packing | null {
  const digits = head.toString('hex', 0, MAGIC_BYTES)
  const foreign = FOREIGN.find(([magic]) => digits.startsWith(magic))
  if (foreign !== undefined) {
    throw new RelayError('CONFIGURATION', `The file is ${foreign[1]}: the relay reads JSON, as it is or packed by gzip`)
  }
  return PACKINGS.find(([magic]) => digits.startsWith(magic))?.[1] ?? null
}

export interface Unpacked {
  readonly chunks: AsyncIterable<Buffer>
  /** Once all chunks are read: whether the packing ends before it should. */
  isCutOff(): boolean
}

/** What comes out of packed bytes. @throws RelayError SOURCE_BROKEN while it is read */
export function unpack(packing: Packing, packed: AsyncIterable<Buffer>): Unpacked {
  if (packing !== 'gzip') return { chunks: decoded(packing, packed), isCutOff: () => false }
  let isCutOff = false
  const onCutOff = (): void => {
    isCutOff = true
  }
  return { chunks: gunzipped(packed, onCutOff), isCutOff: () => isCutOff }
}

async function* decoded(packing: Packing, packed: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, void> {
  const decoder = new TextDecoder(packing)
  for await (const chunk of packed) yield Buffer.from(decoder.decode(chunk, { stream: true }))
}

/** One byte of gzip may stand for a thousand, so little is unpacked at once. */
const PACKED_BYTES = 16 * 1024

/**
 * Any number of members. All that comes out of each piece is awaited: what a stream holds back is lost when it meets an error, and a
 * file that is still being written ends in the middle of a member.
 */
async function* gunzipped(packed: AsyncIterable<Buffer>, onCutOff: () => void): AsyncGenerator<Buffer, void, void> {
  const gunzip = createGunzip({ chunkSize: 128 * 1024 })
  // A write that fails is not called back.
  const failure = once(gunzip, 'error').then(([error]) => {
    throw error
  })
  failure.catch(() => {})
  let unpacked: Buffer[] = []
  let unpackedBytes = 0
  gunzip.on('data', (chunk: Buffer) => {
    unpacked.push(chunk)
    unpackedBytes += chunk.length
  })
  try {
    for await (const chunk of packed) {
      for (let at = 0; at < chunk.length; at += PACKED_BYTES) {
        await Promise.race([written(gunzip, chunk.subarray(at, at + PACKED_BYTES)), failure])
        yield* unpacked
        unpacked = []
      }
    }
    gunzip.end()
    await once(gunzip, 'end')
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    if (!code?.startsWith('Z_')) throw cause
    if (code === 'Z_BUF_ERROR') return onCutOff()
    yield* unpacked
    const detail = `The file cannot be unpacked behind the first ${unpackedBytes} bytes that came out of it: ${message}`
    throw new RelayError('SOURCE_BROKEN', detail, {}, cause)
  } finally {
    gunzip.destroy()
  }
}

function written(gunzip: Gunzip, chunk: Buffer): Promise<void> {
  return new Promise((resolve) => {
    gunzip.write(chunk, () => resolve())
  })
}
