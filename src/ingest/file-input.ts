import { createHash } from 'node:crypto'
import { type FileHandle, open, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Readable } from 'node:stream'
import { RelayError } from '../errors.ts'
import type { StreamIdentity } from '../position.ts'

/** Bytes that have an end. */
export interface Input {
  identify(): Promise<StreamIdentity>
  /** Where to begin when `offset` bytes were done in an earlier run. */
  open(offset: number): Promise<{ readonly chunks: Readable; readonly offset: number }>
  /** Whether more may come behind the end in a later run. */
  readonly grows: boolean
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

    async open(offset) {
      const file = await openFile(path)
      const { size } = await file.stat()
      if (size >= offset) {
        return { chunks: file.createReadStream({ start: offset, highWaterMark: CHUNK_BYTES }), offset }
      }
      await file.close()
      throw new RelayError('SOURCE_CHANGED', `${path} has ${size} bytes, but ${offset} bytes of it were read before`)
    },
  }
}

/** Cannot be read twice: every run begins with what is there, and nothing of an earlier run is meant. */
export function standardInput(): Input {
  let isRead = false
  return {
    grows: false,
    identify: async () => ({ id: 'stdin', created: 'stdin', retentionMs: null }),
    async open() {
      if (isRead) throw new RelayError('SOURCE_CHANGED', 'Standard input cannot be read a second time')
      isRead = true
      return { chunks: process.stdin, offset: 0 }
    },
  }
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
  const { code, message } = cause as NodeJS.ErrnoException
  if (code === 'EACCES' || code === 'EPERM') {
    return new RelayError('SOURCE_DENIED', `The file ${path} may not be read`, {}, cause)
  }
  return new RelayError('SOURCE_NOT_FOUND', `The file ${path} cannot be opened: ${message}`, {}, cause)
}
