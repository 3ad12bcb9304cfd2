import type { Batch, LetterOfBatch } from '../batch.ts'
import { type DeadLetter, tableLabel } from '../change.ts'
import type { FailedLetter } from './letter-store.ts'

/** Which letters of a batch are done, and which failed again. */
export function letterOutcomes(
  { letters = [] }: Batch,
  failed: readonly DeadLetter[],
): { readonly done: readonly string[]; readonly again: readonly FailedLetter[] } {
  const reasons = new Map(failed.map((letter) => [placeText(letter.source), letter]))
  const done: string[] = []
  const again: FailedLetter[] = []
  for (const { ids, place } of letters) {
    const reason = reasons.get(placeText(place))
    if (reason === undefined) done.push(...ids)
    else again.push(...ids.map((id) => failedLetter(id, reason)))
  }
  return { done, again }
}

const placeText = ({ shard, sequence, subSequence }: LetterOfBatch['place']): string =>
  JSON.stringify([shard, sequence, subSequence ?? null])

const failedLetter = (id: string, { code, detail, change }: DeadLetter): FailedLetter => ({
  id,
  code,
  detail,
  table: change === undefined ? null : tableLabel(change.table),
  version: change?.version ?? null,
})
