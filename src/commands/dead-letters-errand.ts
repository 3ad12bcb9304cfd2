import ms, { type StringValue } from 'ms'
import * as z from 'zod'
import { RelayError } from '../errors.ts'
import { maskedWord } from '../mask.ts'
import { suggestion } from '../nearest.ts'
import type { LetterFilter } from '../sinks/letter-store.ts'

const ACTIONS = ['list', 'show', 'replay', 'discard'] as const
export type Action = (typeof ACTIONS)[number]

const flag = z.boolean({ error: 'must be true or false' }).default(false)

const moment = z.string().transform((text, context) => {
  const time = z.iso.datetime({ offset: true }).safeParse(text)
  if (time.success) return Date.parse(text)
  const ago = /^\d/.test(text) ? ms(text as StringValue) : undefined
  if (ago !== undefined && !Number.isNaN(ago)) return Date.now() - ago
  context.addIssue({
    code: 'custom',
    message: `"${text}" is neither an ISO 8601 time with a zone nor a duration such as 2h`,
  })
  return z.NEVER
})

const count = z.string().transform((text, context) => {
  const value = Number(text)
  if (Number.isSafeInteger(value) && value > 0) return value
  context.addIssue({ code: 'custom', message: `"${text}" is not a whole number above 0` })
  return z.NEVER
})

/** What the options of the command itself take. */
export const OWN = {
  'of-table': z.string().min(1, 'is empty').optional(),
  code: z.string().min(1, 'is empty').optional(),
  shard: z.string().min(1, 'is empty').optional(),
  since: moment.optional(),
  until: moment.optional(),
  all: flag,
  limit: count.prefault('100'),
  from: z.string().min(1, 'is empty').optional(),
  yes: flag,
  json: flag,
} as const

export type Own = z.output<z.ZodObject<typeof OWN>>

/** What is to be done, and with which letters: the words in front of the options. @throws RelayError CONFIGURATION */
export function errandOf(argv: Readonly<Record<string, unknown>>): {
  readonly action: Action
  readonly ids: readonly string[]
  readonly words: number
} {
  const words = (argv._ as readonly unknown[]).map(String)
  const [, action, ...ids] = words
  if (action === undefined) throw misused(`Which of ${ACTIONS.join(', ')}?`)
  const known = ACTIONS.find((name) => name === action)
  if (known === undefined) {
    throw misused(`"${maskedWord(action)}" is none of ${ACTIONS.join(', ')}${suggestion(action, ACTIONS)}`)
  }
  const wrong = ids.find((id) => !/^([0-9]+|[0-9a-f]{8,64})$/.test(id))
  if (wrong !== undefined) throw misused(`"${maskedWord(wrong)}" is not the id of a letter: \`list\` shows them`)
  return { action: known, ids, words: words.length }
}

export function filterOf(own: Own, ids: readonly string[]): LetterFilter {
  const { 'of-table': table, code, shard, since: sinceMs, until: untilMs } = own
  return {
    ...(ids.length > 0 && { ids }),
    ...(table !== undefined && { table }),
    ...(code !== undefined && { code }),
    ...(shard !== undefined && { shard }),
    ...(sinceMs !== undefined && { sinceMs }),
    ...(untilMs !== undefined && { untilMs }),
  }
}

/** What would show or discard all letters says so. @throws RelayError CONFIGURATION */
export function requireChoice(action: Action, filter: LetterFilter, { all }: Own): void {
  if (action !== 'show' && action !== 'discard') return
  const isChosen = Object.keys(filter).length > 0
  if (!isChosen && !all)
    throw misused(`Which letters is \`${action}\` for? Name ids, a filter such as --code, or --all`)
  if (isChosen && all) throw misused('--all stands beside ids or a filter: leave one of them out')
}

const misused = (detail: string): RelayError => new RelayError('CONFIGURATION', detail)
