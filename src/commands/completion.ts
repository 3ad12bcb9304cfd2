import { RelayError } from '../errors.ts'
import { masker } from '../mask.ts'
import { reporter } from '../observe/reporter.ts'
import type { Command } from './command.ts'
import { bashCompletion } from './completion/bash.ts'
import { type CompletedCommand, completed } from './completion/completed.ts'
import { fishCompletion } from './completion/fish.ts'
import { zshCompletion } from './completion/zsh.ts'
import { reportFailure } from './report-failure.ts'

const SHELLS: ReadonlyMap<string, (commands: readonly CompletedCommand[]) => string> = new Map([
  ['bash', bashCompletion],
  ['zsh', zshCompletion],
  ['fish', fishCompletion],
])

/** `cdc-relay completion SHELL`: returns the exit code. */
export async function completion(
  argv: Readonly<Record<string, unknown>>,
  commands: readonly Command[],
): Promise<number> {
  const [, shell, ...others] = (argv._ as readonly unknown[]).map(String)
  const print = SHELLS.get(shell ?? '')
  if (print === undefined || others.length > 0) {
    const names = [...SHELLS.keys()].join('|')
    const failure = new RelayError('CONFIGURATION', `\`cdc-relay completion ${names}\`: name the shell`)
    return reportFailure(failure, await reporter(process.stderr, masker([])))
  }
  process.stdout.write(print(completed(commands)))
  return 0
}
