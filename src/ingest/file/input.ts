import { createHash } from 'node:crypto'
import { type FileHandle, open, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { addAbortSignal } from 'node:stream'
import { RelayError } from '../../errors.ts'
import { fileTrouble } from '../../file-trouble.ts'
import type { StreamIdentity } from '../../position.ts'
import { MAGIC_BYTES, packingOf, unpack } from './unpack.ts'

/** Bytes that have an end. */
export interface Input {
  identify(): Promise<StreamIdentity>
  /**
   * Where to begin when `offset` bytes were done in an earlier run.
   * @throws RelayError here and while the chunks are read: SOURCE_CHANGED, SOURCE_BROKEN, CONFIGURATION
   */
  open(offset: number, signal: AbortSignal): Promise<OpenInput>
  /** Whether more may come behind the end in a later run. */
  readonly grows: boolean
}

interface OpenInput {
  readonly offset: number
  /** The bytes from `offset` on, those that come out of it where the input is packed. */
  readonly chunks: AsyncIterable<Buffer>
  /** Once all chunks are read: whether the input was packed and ends before its packing does. */
  isCutOff(): boolean
}

/** How much is read at once. */
const CHUNK_BYTES = 256 * 1024
/** How much of a file tells it from another. Records carry ids and times, so no two captures begin alike. */
const HEAD_BYTES = 4096

/** @throws RelayError SOURCE_NOT_FOUND, SOURCE_DENIED, SOURCE_CHANGED, CONFIGURATION for what is no regular file */
export function fileInput(path: string): Input {
  return {
    grows: true,

    async identify() {
      const file = await openFile(path)
      try {
        const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0)
        return new FileIdentity(resolve(path), buffer.subarray(0, bytesRead))
      } finally {
        await file.close()
      }
    },

    async open(offset, signal) {
      const file = await openFile(path)
      const tooShort = (found: number): RelayError =>
        new RelayError(
          'SOURCE_CHANGED',
          `The file ${path} has ${found} bytes, but ${offset} bytes of it were read before: it was cut or replaced`,
        )
      try {
        const { buffer, bytesRead } = await file.read(Buffer.alloc(MAGIC_BYTES), 0, MAGIC_BYTES, 0)
        const packing = packingOf(buffer.subarray(0, bytesRead))
        const { size } = await file.stat()
        if (packing === null && size < offset) throw tooShort(size)
        const start = packing === null ? offset : 0
        const bytes = addAbortSignal(signal, file.createReadStream({ start, highWaterMark: CHUNK_BYTES }))
        if (packing === null) return { offset, chunks: bytes, isCutOff: () => false }
        const { chunks, isCutOff } = unpack(packing, bytes)
        return { offset, chunks: from(offset, chunks, tooShort), isCutOff }
      } catch (error) {
        await file.close()
        throw error
      }
    },
  }
}

/** What comes out of a packed file cannot be reached but by reading all in front of it. */
async function* from(
  offset: number,
  chunks: AsyncIterable<Buffer>,
  tooShort: (found: number) => RelayError,
): AsyncGenerator<Buffer, void, void> {
  let at = 0
  for await (const chunk of chunks) {
    const skipped = Math.min(Math.max(offset - at, 0), chunk.length)
    if (skipped < chunk.length) yield chunk.subarray(skipped)
    at += chunk.length
  }
  if (at < offset) throw tooShort(at)
}

/** Cannot be read twice: every run begins with what is there, and nothing of an earlier run is meant. */
export function standardInput(): Input {
  let isRead = false
  return {
    grows: false,
    identify: async () => ({ id: 'stdin', created: 'stdin', retentionMs: null }),
    async open(_, signal) {
      if (isRead) throw new RelayError('SOURCE_CHANGED', 'Standard input cannot be read a second time')
      isRead = true
      const bytes = addAbortSignal(signal, process.stdin)[Symbol.asyncIterator]() as AsyncIterator<Buffer>
      const head = await headOf(bytes)
      const chunks = followedBy(head, bytes)
      const packing = packingOf(head)
      return { offset: 0, ...(packing === null ? { chunks, isCutOff: () => false } : unpack(packing, chunks)) }
    },
  }
}

/** What stands before all else, so much that it tells the packing. */
async function headOf(bytes: AsyncIterator<Buffer>): Promise<Buffer> {
  let head = Buffer.alloc(0)
  while (head.length < MAGIC_BYTES) {
    const { value, done } = await bytes.next()
    if (done) break
    head = Buffer.concat([head, value])
  }
  return head
}

async function* followedBy(head: Buffer, bytes: AsyncIterator<Buffer>): AsyncGenerator<Buffer, void, void> {
  yield head
  yield* { [Symbol.asyncIterator]: () => bytes }
}

/** A file by its path and the hash of its head, with how many bytes that was: the file may have grown since. */
class FileIdentity implements StreamIdentity {
  readonly id: string
  readonly created: string
  readonly retentionMs = null
  readonly #head: Buffer

  constructor(id: string, head: Buffer) {
    this.id = id
    this.#head = head
    this.created = hashOf(head)
  }

  isSameAs(remembered: string): boolean {
    const bytes = Number(remembered.split(':')[1])
    return hashOf(this.#head.subarray(0, bytes)) === remembered
  }
}

const hashOf = (head: Buffer): string => `sha256:${head.length}:${createHash('sha256').update(head).digest('hex')}`

async function openFile(path: string): Promise<FileHandle> {
  try {
    // Looked at before it is opened: opening a named pipe waits for its writer.
    if ((await stat(path)).isFile()) return await open(path)
  } catch (cause) {
    throw fileFailure(path, cause)
  }
  throw new RelayError('CONFIGURATION', `${path} is not a regular file; anything else can be piped into file:-`)
}

function fileFailure(path: string, cause: unknown): RelayError {
  const { code } = cause as NodeJS.ErrnoException
  if (code === 'EACCES' || code === 'EPERM') {
    return new RelayError('SOURCE_DENIED', `The file ${path} may not be read: ${fileTrouble(cause)}`, {}, cause)
  }
  const what =
    code === 'ENOENT' ? `There is no file ${resolve(path)}` : `The file ${path} cannot be opened: ${fileTrouble(cause)}`
  return new RelayError('SOURCE_NOT_FOUND', what, {}, cause)
}
