import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, open, readFile } from 'node:fs/promises'
import { Numeric, type TableName, tableLabel, type ValuePath } from '../change.ts'
import { RelayError } from '../errors.ts'
import { fileTrouble } from '../file-trouble.ts'
import { parseJson, parseJsonWithSource, type Revive } from '../parse-json.ts'
import { lockOpenFile, tryLockOpenFile } from '../state/file-lock.ts'
import { DONE, isOpenLetter, type Line, linesIn } from './letter-lines.ts'
import {
  type FailedLetter,
  type KeptLetter,
  type LetterFilter,
  type LetterPage,
  type LetterStore,
  namesLetter,
  type WholeLetter,
} from './letter-store.ts'

export interface LetterFileOptions {
  /** The file of dead letters that a relay writes (`dead-letter-file.ts`). */
  readonly path: string
  /** True to let letters go, too: then nobody else does at the same time. */
  readonly writes: boolean
}

/**
 * The dead letters in a file of JSON lines. The relay that writes it may run: lines are added behind what is here, and what is let
 * go keeps its place. Its `"kind":"dead-letter"` becomes `"kind":"done-letter"`, which is as long, and then spaces take the place
 * of its values. A file in which no letter is left is emptied, if no relay has it open.
 *
 * What was written again in vain stands with its reason in a file beside it, `PATH.attempts`, whose last line of a letter counts.
 * Lines of one record are one letter: a crash repeats the last batch. A file does not keep when a letter was recorded.
 *
 * @throws RelayError STATE_HELD if another command lets letters go; CONFIGURATION for a file that cannot be opened
 */
export async function openLetterFile({ path, writes }: LetterFileOptions): Promise<LetterStore> {
  const attempts = writes ? await lockAttempts(path) : null
  let index: Promise<LetterIndex> | undefined

  /** Read once: what comes later is for the next command. */
  const indexed = (): Promise<LetterIndex> => {
    index ??= readIndex(path)
    return index
  }

  async function page(filter: LetterFilter, from: string | null, most: number): Promise<LetterPage<Entry>> {
    if (filter.sinceMs !== undefined || filter.untilMs !== undefined) {
      throw new RelayError(
        'CONFIGURATION',
        `${path} does not keep when a letter was recorded: letters in a file cannot be chosen by that`,
      )
    }
    const { entries, byId } = await indexed()
    const isMatch = matching(filter)
    const left = entries.filter((entry) => placeOf(entry) >= Number(from ?? 0) && byId.has(entry.letter.id))
    const found = left.filter(isMatch)
    return { letters: found.slice(0, most), next: found.length > most ? String(placeOf(found[most]!)) : null }
  }

  /** Marks and blanks the lines of these letters. */
  async function letGo(ids: readonly string[]): Promise<number> {
    if (attempts === null) throw new Error('the file was opened to be read')
    const { byId, readTo } = await indexed()
    const going = ids.flatMap((id) => byId.get(id) ?? [])
    if (going.length === 0) return 0
    await marked(path, async (file) => {
      const lines = going.flatMap((entry) => entry.lines)
      for (const { offset } of lines) await file.write(DONE, 0, DONE.length, offset)
      await file.datasync()
      for (const line of lines) {
        const rest = blank(line)
        await file.write(rest, 0, rest.length, line.offset + DONE.length)
      }
    })
    for (const entry of going) byId.delete(entry.letter.id)
    if (byId.size === 0) await emptied(path, readTo, attempts)
    return going.length
  }

  return {
    async list(filter, from, most) {
      const { letters, next } = await page(filter, from, most)
      return { letters: letters.map(({ letter }) => letter), next }
    },

    async read(filter, from, most) {
      const { letters, next } = await page(filter, from, most)
      return { letters: await wholeLetters(path, letters), next }
    },

    remove: letGo,

    async settle(done, failed) {
      if (attempts === null) throw new Error('the file was opened to be read')
      if (failed.length > 0) {
        const { byId } = await indexed()
        const lines = failed.map((letter) => attemptLine(letter, byId.get(letter.id)?.letter.attempts ?? 0))
        await attempts.appendFile(lines.join(''))
        await attempts.datasync()
      }
      await letGo(done)
    },

    knowsRelay: async () => true,

    async close() {
      await attempts?.close()
    },
  }
}

/** A letter, and where it stands. */
interface Entry {
  readonly letter: KeptLetter
  readonly lines: readonly Line[]
}

/** Where its first line begins: that stays, whatever is let go. */
const placeOf = ({ lines: [first] }: Entry): number => first!.offset

interface LetterIndex {
  readonly entries: readonly Entry[]
  /** Those that are open. */
  readonly byId: Map<string, Entry>
  /** Up to where the file was read: whole lines. */
  readonly readTo: number
}

const ID_DIGITS = 12

async function readIndex(path: string): Promise<LetterIndex> {
  const attempts = await readAttempts(path)
  const byId = new Map<string, Entry>()
  let readTo = 0
  for await (const line of linesIn(path)) {
    readTo = line.offset + line.length + 1
    const letter = letterIn(line.text)
    if (letter === null) continue
    const before = byId.get(letter.id)
    const lines = [...(before?.lines ?? []), { offset: line.offset, length: line.length }]
    byId.set(letter.id, { letter: { ...letter, ...attempts.get(letter.id) }, lines })
  }
  return { entries: [...byId.values()], byId, readTo }
}

interface LineOfLetter {
  readonly code: string
  readonly detail: string
  readonly change?: { readonly table: TableName; readonly version: string }
  readonly source: KeptLetter['source'] & { readonly format?: string }
}

/** Null for a line that is no open letter. */
function letterIn(text: string): KeptLetter | null {
  if (!isOpenLetter(text)) return null
  const { code, detail, change, source } = parseJson(text) as Partial<LineOfLetter>
  if (code === undefined || detail === undefined || source === undefined) return null
  const { format: _, ...place } = source
  const table = change === undefined ? null : tableLabel(change.table)
  const about = JSON.stringify([place.stream, place.shard, place.sequence, place.subSequence ?? null, table])
  return {
    id: createHash('sha256').update(about).digest('hex').slice(0, ID_DIGITS),
    recordedAt: null,
    code,
    detail,
    table,
    version: change?.version ?? null,
    source: place,
    attempts: 0,
    triedAt: null,
  }
}

function matching({ ids, table, code, shard }: LetterFilter): (entry: Entry) => boolean {
  return ({ letter }) =>
    (ids === undefined || ids.some((id) => namesLetter(id, letter.id))) &&
    (table === undefined || letter.table === table) &&
    (code === undefined || letter.code === code) &&
    (shard === undefined || letter.source.shard === shard)
}

/** Reads their last lines again. */
async function wholeLetters(path: string, entries: readonly Entry[]): Promise<readonly WholeLetter[]> {
  if (entries.length === 0) return []
  const file = await opened(path, constants.O_RDONLY)
  try {
    const letters: WholeLetter[] = []
    for (const { letter, lines } of entries) {
      const { offset, length } = lines.at(-1)!
      const { buffer } = await file.read(Buffer.alloc(length), 0, length, offset)
      const text = buffer.toString('utf8')
      if (!isOpenLetter(text)) continue
      const { raw, change, binary } = parseJsonWithSource(text, exact) as ValuesOfLetter
      letters.push({
        ...letter,
        raw: raw === undefined ? null : Buffer.from(raw, 'base64'),
        change: change === undefined ? null : JSON.stringify(change),
        binary: binary === undefined ? [] : (parseJson(JSON.stringify(binary)) as readonly ValuePath[]),
      })
    }
    return letters
  } finally {
    await file.close()
  }
}

interface ValuesOfLetter {
  readonly raw?: string
  readonly change?: object
  readonly binary?: object
}

/** Numbers as the text has them. */
const exact: Revive = (value, source) => (typeof value === 'number' ? new Numeric(source!) : value)

/** The rest of a line behind its mark. */
const blank = ({ length }: Line): Buffer => Buffer.from(`}${' '.repeat(length - DONE.length - 1)}`)

async function marked(path: string, work: (file: FileHandle) => Promise<void>): Promise<void> {
  const file = await opened(path, constants.O_RDWR)
  try {
    await work(file)
    await file.datasync()
  } catch (cause) {
    if (cause instanceof RelayError) throw cause
    throw new RelayError('SINK_FAILED', `${path} cannot be written: ${fileTrouble(cause)}`, {}, cause)
  } finally {
    await file.close()
  }
}

/** Nobody has it open, and nothing came behind what was read. */
async function emptied(path: string, readTo: number, attempts: FileHandle): Promise<void> {
  const file = await opened(path, constants.O_RDWR)
  try {
    if (!tryLockOpenFile(file) || (await file.stat()).size !== readTo) return
    await file.truncate()
    await attempts.truncate()
  } finally {
    await file.close()
  }
}

async function opened(path: string, flags: number): Promise<FileHandle> {
  try {
    return await open(path, flags)
  } catch (cause) {
    throw new RelayError('CONFIGURATION', `${path} cannot be opened: ${fileTrouble(cause)}`, {}, cause)
  }
}

const attemptsPath = (path: string): string => `${path}.attempts`

async function lockAttempts(path: string): Promise<FileHandle> {
  const file = await opened(attemptsPath(path), constants.O_RDWR | constants.O_APPEND | constants.O_CREAT)
  if (await lockOpenFile(file)) return file
  await file.close()
  throw new RelayError('STATE_HELD', `Another command writes or discards the dead letters in ${path}: wait for its end`)
}

type Attempt = Pick<KeptLetter, 'code' | 'detail' | 'attempts' | 'triedAt'> &
  Partial<Pick<KeptLetter, 'table' | 'version'>>

function attemptLine({ id, code, detail, table, version }: FailedLetter, before: number): string {
  const known = { ...(table !== null && { table }), ...(version !== null && { version }) }
  return `${JSON.stringify({ id, code, detail, ...known, attempts: before + 1, triedAt: new Date().toISOString() })}\n`
}

async function readAttempts(path: string): Promise<ReadonlyMap<string, Attempt>> {
  const text = await readFile(attemptsPath(path), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''
    throw new RelayError('CONFIGURATION', `${attemptsPath(path)} cannot be read: ${fileTrouble(error)}`, {}, error)
  })
  const attempts = new Map<string, Attempt>()
  for (const line of text.split('\n')) {
    // The last one may have been torn by a crash.
    if (!line.endsWith('}')) continue
    const { id, ...attempt } = parseJson(line) as Attempt & { id: string }
    attempts.set(id, attempt)
  }
  return attempts
}
