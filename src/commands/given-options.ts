import { readFileSync } from 'node:fs'
import type { Options } from 'yargs'
import type { Env } from '../env.ts'
import { RelayError } from '../errors.ts'
import { hasSourceScheme } from '../ingest/by-url.ts'
import { maskedWord } from '../mask.ts'
import { suggestion } from '../nearest.ts'
import { schemeOf } from '../server-url.ts'
import { SINK_KINDS, sinkEntry } from '../sinks/by-url.ts'
import { stateEntry } from '../state/by-url.ts'
import { RUN_OPTIONS, type RunOption } from './run-options.ts'
import { STATE_STORES } from './state-stores.ts'
import { splitOutsideQuotes } from './table-options.ts'

/** What the operator wrote, not yet checked but for its form. */
export interface Given {
  readonly values: Readonly<Record<string, unknown>>
  /** Where a value comes from, by option, if not from the command line: ` (in CDC_RELAY_NAME)`, as it stands behind a problem. */
  readonly origins: ReadonlyMap<string, string>
  readonly problems: readonly string[]
  /** Options that the problems are of: they are left out of the values. */
  readonly refused: ReadonlySet<string>
}

/** What may stand on the command line of a command. Variables and YAML files may hold all options of `run`, whatever the command. */
export interface TakenOptions {
  readonly options: Readonly<Record<string, Options>>
  /** How many words stand in front of them, the name of the command among them. */
  readonly words: number
}

const OF_RUN: TakenOptions = { options: RUN_OPTIONS, words: 1 }

/**
 * Merges command line, environment and YAML file, in this order of precedence. What is misspelt, given twice or of another kind
 * than its option is a problem, wherever it stands.
 *
 * @param argv what yargs parsed, without defaults
 * @throws RelayError CONFIGURATION for a file that cannot be read
 */
export async function givenOptions(
  argv: Readonly<Record<string, unknown>>,
  env: Env,
  taken: TakenOptions = OF_RUN,
): Promise<Given> {
  const onLine = fromLine(argv, taken)
  const inEnv = fromEnvironment(env)
  const path = onLine.values.config ?? inEnv.values.config
  const inFile = typeof path === 'string' ? await fromFile(path) : NOTHING
  const { config: _, ...values } = { ...inFile.values, ...inEnv.values, ...onLine.values }
  const origins = new Map([
    ...Object.keys(inFile.values).map((name) => [name, ` (in ${path})`] as const),
    ...Object.keys(inEnv.values).map((name) => [name, ` (in ${variableOf(name)})`] as const),
  ])
  for (const name of Object.keys(onLine.values)) origins.delete(name)
  return {
    values,
    origins,
    problems: [...onLine.problems, ...inEnv.problems, ...inFile.problems],
    refused: new Set([...onLine.refused, ...inFile.refused]),
  }
}

interface Part {
  readonly values: Readonly<Record<string, unknown>>
  readonly problems: readonly string[]
  readonly refused: readonly string[]
}

const NOTHING: Part = { values: {}, problems: [], refused: [] }
const NAMES = Object.keys(RUN_OPTIONS)
/** Entries of yargs itself. */
export const NO_OPTIONS: ReadonlySet<string> = new Set(['_', '$0', 'help', 'h', 'version', 'v'])

function fromLine(argv: Readonly<Record<string, unknown>>, { options, words }: TakenOptions): Part {
  const names = Object.keys(options)
  const values: Record<string, unknown> = {}
  const problems: string[] = []
  const refused: string[] = []
  for (const [name, value] of Object.entries(argv)) {
    if (NO_OPTIONS.has(name) || value === undefined) continue
    if (!Object.hasOwn(options, name))
      problems.push(`${shownName(name)} is not an option${suggestion(name, names, (near) => `--${near}`)}`)
    else if (Array.isArray(value) && options[name]!.array !== true) {
      problems.push(`--${name} is given ${times(value.length)}`)
      refused.push(name)
    } else values[name] = value
  }
  const stray = (argv._ as readonly unknown[] | undefined)?.slice(words) ?? []
  return { values, problems: [...problems, ...stray.map((word) => strayWord(String(word), names))], refused }
}

const times = (count: number): string => (count === 2 ? 'twice' : `${count} times`)

const shownName = (name: string): string => (name.length === 1 ? `-${name}` : `--${maskedWord(name)}`)

/** A word that no option claims, the password of a URL masked in it. @param names of the options that there are */
export function strayWord(word: string, names: readonly string[]): string {
  const shown = `"${maskedWord(word)}"`
  if (schemeOf(word) === null) return `${shown} is not an option${suggestion(word, names, (near) => `--${near}`)}`
  const option = optionOf(word)
  return `${shown} stands alone${names.includes(option) ? `: did you mean --${option} ${shown}?` : ''}`
}

function optionOf(address: string): RunOption {
  if (hasSourceScheme(address)) return 'source'
  return sinkEntry(address) === null && stateEntry(STATE_STORES, address) !== null ? 'state' : 'sink'
}

/** `CDC_RELAY_BATCH_RECORDS` is `--batch-records`. Lists are split at commas outside of double quotes. */
function fromEnvironment(env: Env): Part {
  const values: Record<string, unknown> = {}
  for (const [name, option] of Object.entries(RUN_OPTIONS)) {
    const value = env[variableOf(name)]
    if (value === undefined) continue
    if (name === 'key') values[name] = joinColumns(readList(value))
    else if ('array' in option) values[name] = readList(value)
    else values[name] = option.type === 'boolean' ? readFlag(value) : value
  }
  const known = [...NAMES.map(variableOf), ...OTHER_VARIABLES]
  const unknown = Object.keys(env).filter((name) => /^CDC_RELAY_/i.test(name) && !known.includes(name))
  const problems = unknown
    .filter((name) => !OF_KUBERNETES.test(name))
    .map((name) => `the variable ${name} is not known${suggestion(name, known)}`)
  return { values, problems, refused: [] }
}

const variableOf = (option: string): string => `CDC_RELAY_${option.toUpperCase().replaceAll('-', '_')}`

/** Read where they are needed. */
const OTHER_VARIABLES = SINK_KINDS.flatMap(([, { variables = [] }]) => variables)

/** Kubernetes sets these in every container beside a service whose name begins with `cdc-relay`. */
const OF_KUBERNETES = /_SERVICE_(HOST|PORT)(_\w+)?$|_PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?$/

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

async function fromFile(path: string): Promise<Part> {
  const values: Record<string, unknown> = {}
  const problems: string[] = []
  const refused: string[] = []
  for (const [name, value] of Object.entries(await readYaml(path))) {
    if (name === 'config') problems.push(`config cannot stand in a file of options (in ${path})`)
    else if (!isOption(name)) problems.push(`${name} is not an option${suggestion(name, NAMES)} (in ${path})`)
    else {
      const problem = formProblem(name, value)
      if (problem === null) values[name] = value
      else {
        problems.push(`--${name} ${problem} (in ${path})`)
        refused.push(name)
      }
    }
  }
  return { values, problems, refused }
}

/** What is wrong with the kind of a value in YAML, which knows more kinds than a command line. */
function formProblem(name: RunOption, value: unknown): string | null {
  if (value === null) return 'has no value'
  if (RUN_OPTIONS[name].type === 'boolean') return typeof value === 'boolean' ? null : 'must be true or false'
  if (isList(name)) {
    if (!Array.isArray(value)) return `must be a list, such as ${name}: [a, b]`
    const other = value.find((item) => typeof item !== 'string')
    return other === undefined ? null : `holds ${kindOf(other)}, where texts are meant: put it in quotes`
  }
  if (typeof value === 'string') return null
  if (typeof value === 'number' && COUNTS.has(name)) return null
  if (typeof value === 'object') return `is ${kindOf(value)}, where one value is meant`
  return `is ${kindOf(value)}, where a text is meant: put it in quotes`
}

/** Whole numbers without a unit. */
export const COUNTS: ReadonlySet<string> = new Set<RunOption>(['batch-records'])

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'a list'
  if (value === null) return 'nothing'
  return typeof value === 'object' ? 'a mapping' : `a ${typeof value}`
}

async function readYaml(path: string): Promise<Record<string, unknown>> {
  const { parse } = await import('./yaml.ts')
  let parsed: unknown
  try {
    parsed = parse(readFileSync(path, 'utf8'))
  } catch (cause) {
    // Behind the first line the parser shows lines of the file, passwords among them.
    const [reason] = (cause as Error).message.split('\n')
    throw new RelayError('CONFIGURATION', `--config ${path} cannot be read: ${reason!.replace(/:$/, '')}`)
  }
  if (parsed === null) return {}
  if (typeof parsed !== 'object' || Array.isArray(parsed)) {
    throw new RelayError('CONFIGURATION', `--config ${path} must hold options as "name: value" lines`)
  }
  return parsed as Record<string, unknown>
}

const isOption = (name: string): name is RunOption => Object.hasOwn(RUN_OPTIONS, name)

const isList = (name: RunOption): boolean => 'array' in RUN_OPTIONS[name]
