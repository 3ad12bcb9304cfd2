import { type FileHandle, open } from 'node:fs/promises'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { tryLock } from 'fs-native-extensions'
import { RelayError } from '../errors.ts'
import { fileTrouble } from '../file-trouble.ts'

export interface FileLock {
  /** Twice is fine. */
  release(): Promise<void>
}

/** A killed process gives its locks up when the kernel has taken it apart: that can take a moment. */
const DYING_OWNER_MS = 3_000
const RETRY_MS = 100

/**
 * Locks the file `path` (made if missing) against every other process and every other opener in this one.
 *
 * The kernel holds the lock for the open file, so it ends with its owner, however that ends; the text in the file,
 * which names the holder, means nothing by itself. The file stays when the lock is released: a process that removed it
 * could remove the file that another process has just locked.
 *
 * @param words what to say of a lock that another one holds
 * @throws RelayError STATE_HELD naming the holder, STATE_BROKEN if there can be no such file
 */
export async function lockFile(
  path: string,
  signal?: AbortSignal,
  words: WordsOfHeld = (holder) =>
    `${path} is locked by ${holder}, which still runs: stop that process (\`--take-over\` cannot take a lock), or use another file`,
): Promise<FileLock> {
  const file = await openLockFile(path)
  try {
    if (!(await lockOpenFile(file, signal))) {
      throw new RelayError('STATE_HELD', words((await holderOf(file)) || 'another process'))
    }
    await file.truncate()
    await file.write(`process ${process.pid} on host ${hostname()} since ${new Date().toISOString()}`)
  } catch (error) {
    await file.close()
    throw error instanceof RelayError || (error as Error).name === 'AbortError' ? error : broken(path, error)
  }
  return { release: () => file.close() }
}

/** The same for a file that is open already, until it is closed. False if someone who lives holds it. */
export async function lockOpenFile(file: FileHandle, signal?: AbortSignal): Promise<boolean> {
  for (let waitedMs = 0; !tryLock(file.fd); waitedMs += RETRY_MS) {
    if (waitedMs >= DYING_OWNER_MS) return false
    await sleep(RETRY_MS, undefined, { signal })
  }
  return true
}

/**
 * Whether some process holds the lock on the file `path`. Makes no file. It is asked for by a shared lock, which nobody
 * notices: who wants the lock at that moment tries again.
 */
export async function isLocked(path: string): Promise<boolean> {
  let file: FileHandle
  try {
    file = await open(path, 'r')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw new RelayError('STATE_BROKEN', `The lock file ${path} cannot be read: ${fileTrouble(cause)}`, {}, cause)
  }
  try {
    return !tryLock(file.fd, { shared: true })
  } finally {
    await file.close()
  }
}
/** The same without waiting. */
export const tryLockOpenFile = (file: FileHandle): boolean => tryLock(file.fd)

async function openLockFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'a+')
  } catch (cause) {
    throw broken(path, cause)
  }
}

const broken = (path: string, cause: unknown): RelayError =>
  new RelayError('STATE_BROKEN', `The lock file ${path} cannot be written: ${fileTrouble(cause)}`, {}, cause)

/** @param holder who has the lock */
export type WordsOfHeld = (holder: string) => string

async function holderOf(file: FileHandle): Promise<string> {
  const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(400), position: 0 })
  return buffer.toString('utf8', 0, bytesRead).trim()
}
