import { readFileSync } from 'node:fs'
import bytes from 'bytes'
import ms, { type StringValue } from 'ms'
import { parse as parseYaml } from 'yaml'
import * as z from 'zod'
import { RelayError } from '../errors.ts'
import type { Start } from '../ingest/source.ts'
import { maskWord } from '../observe/mask.ts'
import { defaultDeletes, sinkProblem } from '../sinks/by-url.ts'
import { stateProblem } from '../state/by-url.ts'
import { RUN_OPTIONS, type RunOption } from './run-options.ts'
import { columnType, pattern, splitOutsideQuotes, tableKey, tableRoute } from './table-options.ts'

/** The checked configuration of `cdc-relay run`. Sizes in bytes, times in milliseconds. */
export type RunConfig = z.output<typeof runConfig>

/**
 * Merges command line, environment and YAML file (in this order of precedence) and checks everything.
 *
 * @param argv what yargs parsed, without defaults
 * @throws RelayError CONFIGURATION with every problem in one message
 */
export function readRunConfig(argv: Readonly<Record<string, unknown>>, env: NodeJS.ProcessEnv): RunConfig {
  const given = pick(argv)
  const fromEnv = readEnv(env)
  const file = given.config ?? fromEnv.config
  const fromFile = typeof file === 'string' ? readYaml(file) : {}
  const { config: _, ...options } = { ...fromFile, ...fromEnv, ...given }
  const checked = runConfig.safeParse(options)
  if (checked.success) return checked.data
  const problems = checked.error.issues.map(problemText)
  throw new RelayError(
    'CONFIGURATION',
    `${problems.length === 1 ? 'One problem' : `${problems.length} problems`}:\n  ${problems.join('\n  ')}\n`,
  )
}

const oneOf = <const T extends readonly [string, ...string[]]>(option: RunOption, values: T) =>
  z.enum(values, { error: `must be ${values.join(' or ')}` }).prefault(defaultOf(option) as T[number])

const size = (option: RunOption) =>
  z
    .string()
    .prefault(defaultOf(option))
    .transform((text, context) => parseSize(text) ?? refuse(context, `"${text}" is not a size such as 8MiB`))

const wait = z
  .string()
  .transform(
    (text, context) => parseWait(text) ?? refuse(context, `"${text}" is not a duration such as 250ms, 30s or 7d`),
  )

const waitOf = (option: RunOption) => z.string().prefault(defaultOf(option)).pipe(wait)

const count = (option: RunOption) =>
  z
    .union([z.string(), z.int()])
    .prefault(defaultOf(option))
    .transform((given, context) => {
      const value = Number(given)
      return Number.isSafeInteger(value) && value > 0
        ? value
        : refuse(context, `"${given}" is not a whole number above 0`)
    })

const file = z.templateLiteral(['file:', z.string().min(1)], { error: 'must be file:PATH' })

/** `data`, `metadata` and `control` have another meaning. */
const beforeImageField = z
  .string()
  .min(1, 'is empty')
  .refine((name) => !['data', 'metadata', 'control'].includes(name), 'must not be data, metadata or control')

const runConfig = z
  .strictObject({
    source: z.string({ error: 'is missing: a stream name or ARN, or file:PATH' }).min(1, 'is empty'),
    sink: z
      .string({ error: 'is missing: a URL such as postgresql://USER@HOST/DATABASE' })
      .superRefine((url, context) => {
        const problem = sinkProblem(url)
        if (problem !== null) context.addIssue({ code: 'custom', message: problem })
      }),
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
    'until-latest': z.boolean().default(false),
    'take-over': z.boolean().default(false),
    state: z
      .string()
      .superRefine((url, context) => {
        const problem = stateProblem(url)
        if (problem !== null) context.addIssue({ code: 'custom', message: problem })
      })
      .optional(),
    mode: oneOf('mode', ['mirror', 'append']),
    layout: z.enum(['columns', 'document'], { error: 'must be columns or document' }).optional(),
    deletes: z.enum(['hard', 'soft', 'ignore'], { error: 'must be hard or soft or ignore' }).optional(),
    expired: oneOf('expired', ['delete', 'keep']),
    'create-tables': oneOf('create-tables', ['auto', 'never']),
    'crate-objects': oneOf('crate-objects', ['ignored', 'dynamic']),
    'dynamodb-binary': oneOf('dynamodb-binary', ['double', 'single']),
    'missing-columns': oneOf('missing-columns', ['auto', 'null', 'keep']),
    'before-image-field': beforeImageField.prefault(defaultOf('before-image-field')),
    nul: oneOf('nul', ['replace', 'dead-letter']),
    'tombstone-ttl': wait.optional(),
    'on-error': oneOf('on-error', ['dead-letter', 'stop']),
    'dead-letters': file.optional(),
    'on-gap': oneOf('on-gap', ['stop', 'continue']),
    'on-schema-change': oneOf('on-schema-change', ['add-only', 'stop', 'ignore']),
    'on-reload': oneOf('on-reload', ['keep', 'sweep']),
    'batch-records': count('batch-records'),
    'batch-bytes': size('batch-bytes'),
    'batch-wait': waitOf('batch-wait'),
    memory: size('memory'),
    region: z.string().optional(),
    profile: z.string().optional(),
    'role-arn': z.string().startsWith('arn:', 'must be an ARN').optional(),
    'external-id': z.string().optional(),
    'endpoint-url': z.url({ protocol: /^https?$/, error: 'must be an http:// or https:// URL' }).optional(),
  })
  .check((context) => {
    if (context.value.deletes === 'hard' && defaultDeletes(context.value.sink) === 'soft') {
      const message =
        'cannot be hard with this sink, which cannot take a row away and remember it in one step; soft marks the rows, and a view hides them'
      context.issues.push({ code: 'custom', path: ['deletes'], input: '', message })
    }
    if (context.value['external-id'] !== undefined && context.value['role-arn'] === undefined) {
      context.issues.push({ code: 'custom', path: ['external-id'], input: '', message: 'needs --role-arn' })
    }
  })

function problemText(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((name) => `--${maskWord(name)} is not an option`).join('\n  ')
  }
  return `--${String(issue.path[0])} ${issue.message}`
}

function refuse(context: z.RefinementCtx, message: string): never {
  context.addIssue({ code: 'custom', message })
  return z.NEVER
}

function defaultOf(option: RunOption): string {
  return (RUN_OPTIONS[option] as { defaultDescription?: string }).defaultDescription!
}

/** The options that yargs found, without its own entries. Unknown ones stay: they are refused with all other problems. */
function pick(argv: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const own = new Set(['_', '$0', 'help', 'version'])
  const extra = (argv._ as readonly unknown[] | undefined)?.slice(1) ?? []
  const options = Object.entries(argv).filter(([name, value]) => !own.has(name) && value !== undefined)
  return Object.fromEntries([...options, ...extra.map((word) => [String(word), true])])
}

/** `CDC_RELAY_BATCH_RECORDS` is `--batch-records`. Lists are split at commas outside of double quotes. */
function readEnv(env: NodeJS.ProcessEnv): Record<string, unknown> {
  const found: Record<string, unknown> = {}
  for (const [name, option] of Object.entries(RUN_OPTIONS)) {
    const value = env[`CDC_RELAY_${name.toUpperCase().replaceAll('-', '_')}`]
    if (value === undefined) continue
    if (name === 'key') found[name] = joinColumns(readList(value))
    else if ('array' in option) found[name] = readList(value)
    else found[name] = option.type === 'boolean' ? readFlag(value) : value
  }
  return found
}

const readList = (text: string): string[] => splitOutsideQuotes(text, ',').filter((item) => item !== '')

/** In `orders=id,line,boats=id` a comma parts columns as well as keys: what has no `=` belongs to the key before it. */
function joinColumns(items: readonly string[]): string[] {
  const keys: string[] = []
  for (const item of items) {
    const isColumn = splitOutsideQuotes(item, '=').length === 1
    if (isColumn && keys.length > 0) keys.push(`${keys.pop()},${item}`)
    else keys.push(item)
  }
  return keys
}

const readFlag = (text: string): unknown =>
  text === 'true' || text === '1' ? true : text === 'false' || text === '0' ? false : text

function readYaml(path: string): Record<string, unknown> {
  let parsed: unknown
  try {
    parsed = parseYaml(readFileSync(path, 'utf8'))
  } catch (cause) {
    // Behind the first line stands the text itself, and a password perhaps.
    const [why] = String(cause).split('\n')
    throw new RelayError('CONFIGURATION', `--config ${path} cannot be read: ${why}`)
  }
  if (parsed === null) return {}
  if (typeof parsed !== 'object' || Array.isArray(parsed)) {
    throw new RelayError('CONFIGURATION', `--config ${path} must hold options as "name: value" lines`)
  }
  return parsed as Record<string, unknown>
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
