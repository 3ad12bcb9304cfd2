import type { FailureCode } from '../errors.ts'
import type { LogCode } from './log-codes.ts'

/** Level by level what an operator can leave out, the most important first. */
export const LEVELS = ['error', 'warn', 'info', 'debug'] as const
export type Level = (typeof LEVELS)[number]

/** How lines are written: JSON, `name=value`, or words for people. */
export const FORMATS = ['json', 'logfmt', 'pretty'] as const
export type LogFormat = (typeof FORMATS)[number]

/** What a line says beside its words: names and numbers, never values of rows or passwords. `time`, `level` and `msg` are the line's own. */
export interface Fields {
  /** What kind of line it is: a code that stays. */
  readonly code: LogCode | FailureCode
  readonly time?: never
  readonly level?: never
  readonly msg?: never
  readonly [name: string]: unknown
}

/** What the modules need of a log. */
export type Log = Readonly<Record<Level, (fields: Fields, message: string) => void>>

export const SILENT: Log = { debug() {}, info() {}, warn() {}, error() {} }
