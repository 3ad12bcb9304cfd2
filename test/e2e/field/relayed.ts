import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestEnd } from '../../support/postgres/postgres.ts'
import { startRelay } from '../../support/processes/relay-process.ts'

/** What one run of the program left behind, apart from the target. */
export interface Relayed {
  readonly exitCode: number | null
  /** The summary on standard output; empty if the run did not come so far. */
  readonly summary: Summary
  /** Standard error: the log. */
  readonly log: string
}

export interface Feed {
  /** Writes these lines behind the ones that the file holds, and runs the program over it until its end. */
  relay(lines: readonly string[], options?: readonly string[]): Promise<Relayed>
  /** A file of the feed's folder. */
  read(name: string): Promise<string>
  readonly folder: string
}

/** A file that the real program reads into `sink`, as often as it is told to, under one name. */
export async function feedInto(t: TestEnd, sink: string): Promise<Feed> {
  const folder = await mkdtemp(join(tmpdir(), 'cdc-relay-field-'))
  t.after(() => rm(folder, { recursive: true }))
  const path = join(folder, 'capture.jsonl')
  let written = ''
  return {
    folder,
    async relay(lines, options = []) {
      written += lines.map((line) => `${line}\n`).join('')
      await writeFile(path, written)
      const args = ['run', '--source', `file:${path}`, '--sink', sink, ...options]
      if (!options.includes('--name')) args.push('--name', 'field')
      const { exitCode, stdout, stderr } = await startRelay(args).ended
      return { exitCode, summary: JSON.parse(stdout.trim() || '{}') as Summary, log: stderr }
    },
    read: (name) => readFile(join(folder, name), 'utf8'),
  }
}

/** What the tests read of it. */
export interface Summary {
  readonly deadLettered?: number
  /** Table → column → how many of its values lie in `cdc_extra`. */
  readonly setAside?: Readonly<Record<string, Readonly<Record<string, number>>>>
}
