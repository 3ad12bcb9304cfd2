import type { Command } from '../command.ts'
import { valuesOf } from '../option-values.ts'

/** What a shell can complete behind the program's name. */
export interface CompletedCommand {
  readonly name: string
  readonly about: string
  /** What may stand behind its name. */
  readonly words: readonly string[]
  readonly options: readonly CompletedOption[]
}

export interface CompletedOption {
  readonly name: string
  readonly about: string
  /** True for one without a value. */
  readonly isFlag: boolean
  /** All that it takes, or null: then only the operator knows, or it is the path of a file. */
  readonly values: readonly string[] | null
  readonly isFile: boolean
  readonly isRepeatable: boolean
}

const FILES = new Set(['config', 'sink-password-file', 'file'])

export function completed(commands: readonly Command[]): CompletedCommand[] {
  const all = commands.map(({ name, about, words = [], options }) => ({
    name,
    about,
    words,
    options: Object.entries(options).map(([option, { type, describe = '', array = false }]) => ({
      name: option,
      about: describe,
      isFlag: type === 'boolean',
      values: valuesOf(option),
      isFile: FILES.has(option),
      isRepeatable: array,
    })),
  }))
  const names = commands.map(({ name }) => name)
  return [...all, { name: 'help', about: 'Show the help of a command', words: names, options: [] }]
}
