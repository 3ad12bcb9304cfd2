import bytes from 'bytes'
import ms, { type StringValue } from 'ms'
import * as z from 'zod'
import { endpointProblem, regionProblem, roleProblem } from '../aws/address.ts'
import { httpAddress } from '../http/address.ts'
import { pollIntervalProblem } from '../ingest/shards/pace.ts'
import type { Start } from '../ingest/source.ts'
import { FORMATS, LEVELS } from '../observe/log.ts'
import { camelKeys } from './camel-keys.ts'
import { RUN_OPTIONS, type RunOption } from './run-options.ts'
import { columnType, pattern, tableKey, tableRoute } from './table-options.ts'

const oneOf = <const T extends readonly [string, ...string[]]>(option: RunOption, values: T) =>
  z.enum(values, { error: `must be ${values.join(' or ')}` }).prefault(defaultOf(option) as T[number])

const size = z
  .string()
  .transform((text, context) => parseSize(text) ?? refuse(context, `"${text}" is not a size such as 8MiB`))

const wait = z
  .string()
  .transform(
    (text, context) => parseWait(text) ?? refuse(context, `"${text}" is not a duration such as 250ms, 30s or 7d`),
  )

const waitOf = (option: RunOption) => z.string().prefault(defaultOf(option)).pipe(wait)

const count = z.union([z.string(), z.int()]).transform((given, context) => {
  const value = Number(given)
  return Number.isSafeInteger(value) && value > 0 ? value : refuse(context, `"${given}" is not a whole number above 0`)
})

const letterLimit = z.string().transform((text, context) => {
  const [, count, interval] = /^(\d+)\/(.+)$/.exec(text) ?? []
  const intervalMs = interval === undefined ? null : parseWait(interval)
  if (intervalMs !== null && intervalMs > 0 && Number(count) > 0) return { count: Number(count), intervalMs }
  return refuse(context, `"${text}" is not a number and a duration such as 100/1h`)
})

const parkLimit = z.string().transform((text, context) => {
  const [, count, sizeText] = /^(\d+),(.+)$/.exec(text) ?? []
  const bytes = sizeText === undefined ? null : parseSize(sizeText)
  if (bytes !== null && Number(count) > 0) return { count: Number(count), bytes }
  return refuse(context, `"${text}" is not a number of changes and a size such as 1000000,1GiB`)
})

const file = z.templateLiteral(['file:', z.string().min(1)], { error: 'must be file:PATH' })

/** `data`, `metadata` and `control` have another meaning. */
const beforeImageField = z
  .string()
  .min(1, 'is empty')
  .refine((name) => !['data', 'metadata', 'control'].includes(name), 'must not be data, metadata or control')

/** A text that `problemOf` finds nothing wrong with. */
const textWithout = (problemOf: (text: string) => string | null) =>
  z.string().superRefine((text, context) => {
    const problem = problemOf(text)
    if (problem !== null) context.addIssue({ code: 'custom', message: problem })
  })

/** What each option takes, by its name. */
export const RUN_SHAPE = z.strictObject({
  source: z.string({ error: 'is missing: a stream name or ARN, or file:PATH' }).min(1, 'is empty'),
  'sink-password-file': z.string().min(1, 'is empty').optional(),
  'log-level': oneOf('log-level', LEVELS),
  'log-format': z.enum(FORMATS, { error: `must be ${FORMATS.join(' or ')}` }).optional(),
  'log-values': z.boolean({ error: 'must be true or false' }).default(false),
  sink: z.string({ error: 'is missing: a URL such as postgresql://USER@HOST/DATABASE' }),
  format: oneOf('format', ['auto', 'dynamodb', 'dms']),
  table: z.array(tableRoute).default([]),
  include: z.array(pattern).default([]),
  exclude: z.array(pattern).default([]),
  key: z.array(tableKey).default([]),
  'key-wait': waitOf('key-wait'),
  type: z.array(columnType).default([]),
  name: z.string().min(1, 'is empty').optional(),
  start: z
    .string()
    .transform(
      (text, context) =>
        parseStart(text) ?? refuse(context, `"${text}" is not earliest, latest or an ISO 8601 time with a zone`),
    )
    .optional(),
  'until-latest': z.boolean({ error: 'must be true or false' }).default(false),
  'take-over': z.boolean({ error: 'must be true or false' }).default(false),
  'dry-run': z.boolean({ error: 'must be true or false' }).default(false),
  state: z.string().optional(),
  mode: oneOf('mode', ['mirror', 'append']),
  layout: z.enum(['columns', 'document'], { error: 'must be columns or document' }).optional(),
  deletes: z.enum(['hard', 'soft', 'ignore'], { error: 'must be hard or soft or ignore' }).optional(),
  expired: oneOf('expired', ['delete', 'keep']),
  'create-tables': oneOf('create-tables', ['auto', 'never']),
  'crate-objects': z.enum(['ignored', 'dynamic'], { error: 'must be ignored or dynamic' }).optional(),
  'dynamodb-binary': oneOf('dynamodb-binary', ['double', 'single']),
  'missing-columns': oneOf('missing-columns', ['auto', 'null', 'keep']),
  'before-image-prefix': z.string().min(1, 'is empty').optional(),
  'before-image-field': beforeImageField.prefault(defaultOf('before-image-field')),
  nul: oneOf('nul', ['replace', 'dead-letter']),
  'tombstone-ttl': wait.optional(),
  'on-error': oneOf('on-error', ['dead-letter', 'stop']),
  'dead-letters': file.optional(),
  'max-dead-letters': letterLimit.optional(),
  'on-table-trouble': oneOf('on-table-trouble', ['park', 'stop']),
  'park-limit': z.string().prefault(defaultOf('park-limit')).pipe(parkLimit),
  'on-gap': oneOf('on-gap', ['stop', 'continue']),
  'on-schema-change': oneOf('on-schema-change', ['add-only', 'widen', 'stop', 'ignore']),
  'on-reload': oneOf('on-reload', ['keep', 'sweep']),
  'stall-timeout': waitOf('stall-timeout'),
  'drain-timeout': waitOf('drain-timeout'),
  'batch-records': count.optional(),
  'batch-bytes': size.optional(),
  'batch-wait': wait.optional(),
  'poll-interval': waitOf('poll-interval').superRefine((waitMs, context) => {
    const problem = pollIntervalProblem(waitMs)
    if (problem !== null) context.addIssue({ code: 'custom', message: problem })
  }),
  memory: z.string().prefault(defaultOf('memory')).pipe(size),
  region: textWithout(regionProblem).optional(),
  profile: z.string().optional(),
  'role-arn': textWithout(roleProblem).optional(),
  'external-id': z.string().optional(),
  'endpoint-url': textWithout(endpointProblem).optional(),
  http: z
    .string()
    .transform(
      (text, context) =>
        httpAddress(text) ?? refuse(context, `"${text}" is not a port, or a host and a port such as 127.0.0.1:9090`),
    )
    .optional(),
})

/** Values as the operator wrote them, by the names of options → RunConfig. */
export const runConfig = RUN_SHAPE.transform(camelKeys)

/** The checked configuration of `cdc-relay run`. Sizes in bytes, times in milliseconds. */
export type RunConfig = z.output<typeof runConfig>

function refuse(context: z.RefinementCtx, message: string): never {
  context.addIssue({ code: 'custom', message })
  return z.NEVER
}

function defaultOf(option: RunOption): string {
  return (RUN_OPTIONS[option] as { defaultDescription?: string }).defaultDescription!
}

function parseStart(text: string): { text: string; start: Start } | null {
  if (text === 'earliest' || text === 'latest') return { text, start: { kind: text } }
  const time = z.iso.datetime({ offset: true }).safeParse(text)
  return time.success ? { text, start: { kind: 'time', ms: Date.parse(text) } } : null
}

/** The library reads "8MiB" as 8 bytes, so the unit is checked and respelt first. */
function parseSize(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?) *(?:([kmg])i?)?b?$/i.exec(text)
  const value = match === null ? null : bytes.parse(`${match[1]}${match[2] ?? ''}b`)
  return value === null || value === 0 ? null : value
}

function parseWait(text: string): number | null {
  const value = /^\d/.test(text) ? ms(text as StringValue) : undefined
  return value === undefined || Number.isNaN(value) ? null : value
}
