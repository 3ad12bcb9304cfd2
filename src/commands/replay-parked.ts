import { PARKED, RelayError } from '../errors.ts'
import type { Reporter } from '../observe/reporter.ts'
import { sinkEntry } from '../sinks/by-url.ts'
import type { ReplayConfig } from './replay-config.ts'
import { replay } from './replay-letters.ts'

/**
 * Looks whether a parked table is mended: writes the first of its dead letters again, and all of them if that goes well. What is still wrong
 * with the table leaves them where they are. Resolves to whether all of them are written.
 */
export async function replayParked(
  config: ReplayConfig,
  table: string,
  say: Reporter,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    const filter = { code: PARKED, table }
    const first = await firstLetter(config, table)
    if (first === null) return true
    if ((await replay(config, { ...filter, ids: [first] }, say, signal)).failed > 0) return false
    say.log.info({ code: 'TABLE_TRIED', table }, `Table ${table} takes rows again: its dead letters are written`)
    const { failed } = await replay(config, filter, say, signal)
    if (failed > 0) say.log.warn({ code: 'LETTERS_FAILED', table, failed }, 'Some of them failed again, and stay')
    return failed === 0
  } catch (error) {
    // The relay has its own way to say that the target is away.
    if (signal.aborted) return false
    if (!(error instanceof RelayError)) throw error
    say.log.warn({ table, code: error.code }, `Table ${table} was not tried again: ${error.message}`)
    return false
  }
}

async function firstLetter(config: ReplayConfig, table: string): Promise<string | null> {
  const { name, sink, sinkPasswordFile, deadLetters } = config
  const place = { sink, sinkPasswordFile, deadLetters, name, writes: false, env: process.env }
  const store = await sinkEntry(sink)!.openLetters(place)
  try {
    const { letters } = await store.list({ code: PARKED, table }, null, 1)
    return letters[0]?.id ?? null
  } finally {
    await store.close()
  }
}
