import type { Change, ChangeSource, DeadLetter, Decoded, RawRecord, Skip } from '../change.ts'
import type { Decoder } from '../decode/decoder.ts'
import { RelayError } from '../errors.ts'
import type { Route } from './route.ts'
import { mayHoldRefusedText, screenText } from './screen.ts'

export type Examined = Change | Skip | DeadLetter

/** A record → everything that it says. @throws RelayError under `--on-error stop` for what would be a dead letter */
export type Examine = (record: RawRecord) => readonly Examined[]

export interface ExamineOptions {
  readonly decode: Decoder
  readonly route: Route
  /** The stream's name, for the source of a dead letter. */
  readonly stream: string
  readonly onError: 'dead-letter' | 'stop'
  /** True if the target is given `before`. */
  readonly readsBefore: boolean
  /** Null where the target takes any text. */
  readonly nul: 'replace' | 'dead-letter' | null
  readonly onTextReplaced: () => void
}

/** Decodes, routes and screens one record; what cannot be decoded or kept becomes a dead letter with the record's bytes. */
export function examiner(options: ExamineOptions): Examine {
  const { decode, route, stream, onError, readsBefore, nul, onTextReplaced } = options

  return (record) => {
    try {
      const items = decode(record).map(route)
      if (readsBefore) for (const item of items) decodeBefore(item)
      if (nul === null || !mayHoldRefusedText(record)) return items
      return items.map((item) => screenText(item, nul, onTextReplaced))
    } catch (error) {
      if (!(error instanceof RelayError)) throw error
      const source = sourceOf(record, stream)
      if (onError === 'stop') throw error.at({ stream, shard: source.shard, sequence: source.sequence })
      return [{ kind: 'dead-letter', code: error.code, detail: error.detail, raw: record.data, source }]
    }
  }
}

/** `before` is decoded when it is first asked for, and what cannot be decoded must be met here. */
function decodeBefore(item: Decoded): void {
  if (item.kind === 'change') void item.before
}

function sourceOf(record: RawRecord, stream: string): ChangeSource {
  return {
    format: 'unknown',
    stream,
    ...(record.origin ?? { shard: record.shard, sequence: record.sequence }),
    ...(record.subSequence === undefined ? {} : { subSequence: record.subSequence }),
  }
}
