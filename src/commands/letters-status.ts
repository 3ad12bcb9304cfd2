import type { LettersStatus } from '../operate/status.ts'
import { sinkEntry } from '../sinks/by-url.ts'
import { deadLetterFile } from '../sinks/dead-letter-file.ts'
import type { Seen } from '../state/seen.ts'
import type { NamedRelay } from './named-relay.ts'
import { keepsState } from './open-named-state.ts'

/** Where the dead letters of a relay are, and how many. @param seen null if nothing is stored */
export async function lettersOf(
  { sink, deadLetters, name }: Pick<NamedRelay, 'sink' | 'deadLetters' | 'name'>,
  seen: Seen | null,
): Promise<LettersStatus> {
  if (sink === undefined) return { keptIn: null, count: null, kinds: [] }
  if (keepsState(sink)) return counted('cdc_relay.dead_letters', seen?.target?.deadLetters ?? [])
  if (sinkEntry(sink)!.isStandardOutput?.(sink) && deadLetters === undefined) {
    return { keptIn: 'the log', count: null, kinds: [] }
  }
  const { countLetterFile } = await import('../sinks/count-letter-file.ts')
  const path = deadLetterFile({ deadLetters }, name)
  return counted(path, await countLetterFile(path))
}

const counted = (keptIn: string, kinds: LettersStatus['kinds']): LettersStatus => ({
  keptIn,
  count: kinds.reduce((sum, { count }) => sum + count, 0),
  kinds,
})
