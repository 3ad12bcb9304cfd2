import type { Written } from '../batch.ts'
import { type StreamChange, tableLabel } from '../change.ts'
import { type Log, SILENT } from '../observe/log.ts'
import type { Emitter } from './emitter.ts'
import { fileOutput, linesOf, standardOutput } from './line-output.ts'

export interface JsonlOptions {
  /** `-` is standard output. */
  readonly path: string
  /** Where dead letters go, as lines of their own: a path, or `-` for standard error, which is the default. */
  readonly deadLetters?: string
  readonly log?: Log
}

/**
 * Writes each change, of a row or of a table, as one line of JSON, the change record as it is, whatever mode and layout are.
 *
 * A crash repeats the batch that was being written; a line that it tore is cut off at the next start. The dead-letter
 * file is made when there is something to put into it.
 */
export function jsonlEmitter({ path, deadLetters = '-', log = SILENT }: JsonlOptions): Emitter {
  const changes = path === '-' ? standardOutput(process.stdout) : fileOutput(path, log)
  const letters = deadLetters === '-' ? standardOutput(process.stderr) : fileOutput(deadLetters, log)

  return {
    needs: { before: true },
    open: (signal) => changes.open(signal),

    prepare(batch) {
      const changeLines = linesOf(batch.changes)
      const letterLines = linesOf(batch.deadLetters)
      const written = countByTable(batch.changes)
      let isChangesDone = false
      return async (signal) => {
        if (!isChangesDone && changeLines !== '') await changes.write(changeLines)
        isChangesDone = true
        if (letterLines === '' || batch.letters !== undefined) return written
        await letters.open(signal)
        await letters.write(letterLines)
        return written
      }
    },

    close: () => changes.close().finally(() => letters.close()),
  }
}

/** Every change is written: none is superseded here. */
function countByTable(changes: readonly StreamChange[]): Written {
  const tables = new Map<string, { applied: number; superseded: number }>()
  for (const { table } of changes) {
    const label = tableLabel(table)
    const counts = tables.get(label)
    if (counts === undefined) tables.set(label, { applied: 1, superseded: 0 })
    else counts.applied++
  }
  return { kind: 'written', tables }
}
