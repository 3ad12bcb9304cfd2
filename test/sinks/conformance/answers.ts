import assert from 'node:assert/strict'
import type { Rewound, Written } from '../../../src/batch.ts'
import type { FailureCode } from '../../../src/errors.ts'
import { RelayError } from '../../../src/errors.ts'

/** Applied and superseded of all tables. */
export function totals(written: Written | Rewound): [applied: number, superseded: number] {
  assert.ok(written.kind === 'written', 'the target was rewound')
  const counts = [...written.tables.values()]
  return [
    counts.reduce((sum, { applied }) => sum + applied, 0),
    counts.reduce((sum, { superseded }) => sum + superseded, 0),
  ]
}

/** How many changes the answer tells the end of. */
export function accounted(written: Written): number {
  const [applied, superseded] = totals(written)
  const skipped = [...(written.skips?.values() ?? [])].reduce((sum, count) => sum + count, 0)
  return applied + superseded + skipped + (written.deadLettered ?? 0)
}

export async function rejection(work: Promise<unknown>, code: FailureCode): Promise<RelayError> {
  const error = await work.then(
    () => undefined,
    (error: unknown) => error,
  )
  assert.ok(error instanceof RelayError, `rejects with ${code}, not ${String(error)}`)
  assert.equal(error.code, code, error.message)
  return error
}
