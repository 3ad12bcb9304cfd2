import type { Options } from 'yargs'

/**
 * A command of the program. A new one is a file here and its name in the list of commands.ts. Light to load: all of them are loaded for
 * `--help`, so what `run` needs is imported by it.
 */
export interface Command {
  readonly name: string
  /** One line, for the list of commands. */
  readonly about: string
  /** What follows the program's name, in short. */
  readonly usage: string
  /** What may stand behind its name: `list`, `rewind`. */
  readonly words?: readonly string[]
  readonly options: Readonly<Record<string, Options>>
  /** What is typed behind the program's name, and what it does. */
  readonly examples?: readonly (readonly [words: string, what: string])[]
  /** What else its `--help` says, exit codes among it. */
  readonly epilogue: string
  /**
   * Resolves to the exit code, once all there is to say is said; throws only what nobody expects.
   * @param argv as yargs parsed it, unchecked: a flag with another value than true or false is a text, one given twice an array
   */
  run(argv: Readonly<Record<string, unknown>>): Promise<number>
}
