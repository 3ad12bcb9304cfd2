import { fstatSync, fsync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { promisify } from 'node:util'
import { type DeadLetter, recordToJson, type StreamChange } from '../change.ts'
import { RelayError } from '../errors.ts'
import { fileTrouble } from '../file-trouble.ts'
import type { Log } from '../observe/log.ts'
import { lockOpenFile } from '../state/file-lock.ts'

/** Where lines of JSON go. */
export interface LineOutput {
  /** Twice is fine. */
  open(signal: AbortSignal): Promise<void>
  /** Whole lines, each with its line end. Durable when it resolves; after it threw, they can be written again. */
  write(lines: string): Promise<void>
  /** Twice is fine. */
  close(): Promise<void>
}

/** How every line of ours begins. */
const BEGINNING = Buffer.from('{"kind":"')
const LF = 0x0a
const BLOCK_BYTES = 64 * 1024

/**
 * Appends to a file, which is locked while it is open. A last line that a crash tore is cut off at the beginning.
 *
 * @throws RelayError CONFIGURATION if the file cannot be opened or does not end like one of ours, SINK_FAILED
 */
export function fileOutput(path: string, log: Log): LineOutput {
  let file: FileHandle | undefined
  /** Up to where the file has whole lines. */
  let length = 0
  let isTorn = false

  return {
    async open(signal) {
      if (file !== undefined) return
      const opened = await openRegular(path)
      try {
        if (!(await lockOpenFile(opened, signal))) {
          throw new RelayError('CONFIGURATION', `Another process writes to ${path}: each relay needs a file of its own`)
        }
        length = await cutTornLine(path, opened, log)
        file = opened
      } catch (cause) {
        if (cause instanceof RelayError || (cause as Error).name === 'AbortError') throw cause
        throw unwritable(path, cause)
      } finally {
        if (file === undefined) await opened.close()
      }
    },

    async write(lines) {
      if (file === undefined) throw new Error('the output must be opened first')
      const bytes = Buffer.from(lines)
      try {
        if (isTorn) await file.truncate(length)
        isTorn = true
        await file.appendFile(bytes)
        await file.datasync()
      } catch (cause) {
        throw unwritable(path, cause)
      }
      isTorn = false
      length += bytes.length
    },

    async close() {
      await file?.close()
      file = undefined
    },
  }
}

const unwritable = (path: string, cause: unknown): RelayError =>
  new RelayError('SINK_FAILED', `${path} cannot be written: ${fileTrouble(cause)}`, {}, cause)

async function openRegular(path: string): Promise<FileHandle> {
  let file: FileHandle | undefined
  try {
    file = await open(path, 'a+')
    if ((await file.stat()).isFile()) return file
  } catch (cause) {
    throw new RelayError('CONFIGURATION', `${path} cannot be opened for writing: ${fileTrouble(cause)}`, {}, cause)
  }
  await file.close()
  throw new RelayError('CONFIGURATION', `${path} is not a regular file; jsonl:- writes to standard output`)
}

/** Returns the length of the file without it. */
async function cutTornLine(path: string, file: FileHandle, log: Log): Promise<number> {
  const { size } = await file.stat()
  const length = await endOfLastLine(file, size)
  if (length === size) return size
  const { buffer, bytesRead } = await file.read(Buffer.alloc(BEGINNING.length), 0, BEGINNING.length, length)
  if (!BEGINNING.subarray(0, bytesRead).equals(buffer.subarray(0, bytesRead))) {
    throw new RelayError(
      'CONFIGURATION',
      `${path} ends in a line that is neither finished nor of a relay; it is not touched`,
    )
  }
  await file.truncate(length)
  await file.sync()
  log.warn(
    { code: 'LINE_CUT', path, bytes: size - length },
    'The last line was incomplete after a crash. It was removed, and will be written again with its batch',
  )
  return length
}

/** The offset behind the last line end before `size`, looking backwards. */
async function endOfLastLine(file: FileHandle, size: number): Promise<number> {
  const block = Buffer.alloc(BLOCK_BYTES)
  for (let end = size; end > 0; end -= BLOCK_BYTES) {
    const start = Math.max(0, end - BLOCK_BYTES)
    const { bytesRead } = await file.read(block, 0, end - start, start)
    const lf = block.subarray(0, bytesRead).lastIndexOf(LF)
    if (lf !== -1) return start + lf + 1
  }
  return 0
}

/** One line of JSON for each. */
export const linesOf = (items: readonly (StreamChange | DeadLetter)[]): string =>
  items.map((item) => `${recordToJson(item)}\n`).join('')

const sync = promisify(fsync)

/** Writes to standard output or standard error, at the pace of its reader. */
export function standardOutput(stream: typeof process.stdout | typeof process.stderr): LineOutput {
  const name = stream.fd === 1 ? 'Standard output' : 'Standard error'
  let isFile: boolean | undefined

  return {
    async open() {
      if (isFile !== undefined) return
      isFile = fstatSync(stream.fd).isFile()
      // The write that fails gets the error itself; without a listener the process would end before it can report it.
      stream.on('error', () => {})
    },

    async write(lines) {
      try {
        await new Promise<void>((resolve, reject) => {
          stream.write(lines, (error) => (error ? reject(error) : resolve()))
        })
        if (isFile) await sync(stream.fd)
      } catch (cause) {
        const isClosed = (cause as NodeJS.ErrnoException).code === 'EPIPE'
        const what = isClosed ? 'was closed by its reader' : `cannot be written: ${fileTrouble(cause)}`
        throw new RelayError('SINK_FAILED', `${name} ${what}`, {}, cause)
      }
    },

    async close() {},
  }
}
