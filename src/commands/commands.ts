import { CHECK } from './check-command.ts'
import type { Command } from './command.ts'
import { completionOf } from './completion-command.ts'
import { CONFIG } from './config-command.ts'
import { DEAD_LETTERS } from './dead-letters-command.ts'
import { POSITIONS } from './positions-command.ts'
import { RUN } from './run-command.ts'
import { STATUS } from './status-command.ts'

/** All commands, in the order of the help. */
export const COMMANDS: readonly Command[] = [
  RUN,
  CHECK,
  STATUS,
  POSITIONS,
  DEAD_LETTERS,
  CONFIG,
  completionOf(() => COMMANDS),
]
