import * as z from 'zod'
import { RelayError } from '../errors.ts'
import { maskedWord } from '../mask.ts'
import { suggestion } from '../nearest.ts'
import type { Reporter } from '../observe/reporter.ts'
import type { NamedRelay } from './named-relay.ts'

const flag = z.boolean({ error: 'must be true or false' }).default(false)

/** What the options of `positions` take that are its own. */
export const OWN = {
  shard: z.array(z.string().min(1, 'is empty')).default([]),
  all: flag,
  to: z.string().min(1, 'is empty').optional(),
  file: z.string().min(1, 'is empty').optional(),
  yes: flag,
  json: flag,
}

export type PositionsOptions = z.output<z.ZodObject<typeof OWN>>

/** What each of them must be told, and may be told; `json` all may. */
const ACTIONS = {
  list: { must: [], may: [] },
  export: { must: [], may: [] },
  set: { must: ['shard', 'to'], may: ['yes'] },
  rewind: { must: ['to'], may: ['shard', 'yes'] },
  forget: { must: [], may: ['shard', 'all', 'yes'] },
  import: { must: ['file'], may: ['yes'] },
} as const satisfies Record<
  string,
  { must: readonly (keyof PositionsOptions)[]; may: readonly (keyof PositionsOptions)[] }
>

export type PositionsAction = keyof typeof ACTIONS

/** What is to be done with the positions of which relay. */
export interface Errand {
  readonly action: PositionsAction
  readonly relay: NamedRelay
  readonly own: PositionsOptions
  readonly say: Reporter
  /** Hides passwords. */
  readonly mask: (text: string) => string
  readonly signal: AbortSignal
}

/** @throws RelayError CONFIGURATION */
export function actionOf(argv: Readonly<Record<string, unknown>>): PositionsAction {
  const names = Object.keys(ACTIONS)
  const word = (argv._ as readonly unknown[])[1]
  if (typeof word === 'string' && Object.hasOwn(ACTIONS, word)) return word as PositionsAction
  const what =
    word === undefined
      ? 'What is to be done with the positions?'
      : `positions ${maskedWord(String(word))} is unknown${suggestion(String(word), names)}.`
  throw new RelayError('CONFIGURATION', `${what} There is ${names.join(', ')}`)
}

/** @throws RelayError CONFIGURATION with every problem */
export function requireOptions(action: PositionsAction, own: PositionsOptions): void {
  const { must, may }: { readonly must: readonly string[]; readonly may: readonly string[] } = ACTIONS[action]
  const given = Object.entries(own)
    .filter(([, value]) => isGiven(value))
    .map(([name]) => name)
  const problems = [
    ...must.filter((name) => !given.includes(name)).map((name) => `positions ${action} needs --${name}`),
    ...given
      .filter((name) => name !== 'json' && !must.includes(name) && !may.includes(name))
      .map((name) => `--${name} is not for positions ${action}`),
    ...(action === 'forget' && own.shard.length > 0 === own.all ? ['positions forget needs --shard, or --all'] : []),
  ]
  if (problems.length > 0) throw new RelayError('CONFIGURATION', problems.join('; '))
}

const isGiven = (value: unknown): boolean =>
  Array.isArray(value) ? value.length > 0 : value !== undefined && value !== false
