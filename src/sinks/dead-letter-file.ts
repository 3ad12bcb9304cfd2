import { fileNameOf } from '../state/file-name.ts'
import type { SinkSettings } from './entry.ts'

/** Where dead letters go that the target does not keep: a path. */
export const deadLetterFile = ({ deadLetters }: Pick<SinkSettings, 'deadLetters'>, relay: string): string =>
  deadLetters?.slice('file:'.length) ?? `${fileNameOf(relay)}.dead-letters.jsonl`
