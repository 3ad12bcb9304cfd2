import type { Env } from '../env.ts'
import { RelayError } from '../errors.ts'
import { sourceProblem } from '../ingest/by-url.ts'
import { pathProblem } from '../server-url.ts'
import { sinkEntry, sinkProblem } from '../sinks/by-url.ts'
import { stateProblem } from '../state/by-url.ts'
import { objectsProblem, objectsWarning, withObjects } from './crate-objects.ts'
import { missingEffect } from './effects.ts'
import { type Given, givenOptions } from './given-options.ts'
import { passwordFileProblem } from './password-file.ts'
import type { RunOption } from './run-options.ts'
import { type RunConfig, runConfig } from './run-schema.ts'
import { STATE_STORES } from './state-stores.ts'

/**
 * Merges command line, environment and YAML file (in this order of precedence) and checks everything.
 *
 * @param argv what yargs parsed, without defaults
 * @param warn takes what to say of options that have no effect or an older spelling
 * @throws RelayError CONFIGURATION with every problem in one message
 */
export async function readRunConfig(
  argv: Readonly<Record<string, unknown>>,
  env: Env,
  warn: (message: string) => void = () => {},
): Promise<RunConfig> {
  const { values, origins, refused, problems } = await givenOptions(argv, env)
  const checked = runConfig.safeParse(values)
  const issues = checked.success
    ? []
    : checked.error.issues.map(({ path, message }) => ({ option: String(path[0]), message }))
  const all = [...issues, ...addressProblems(values, env), ...contradictions(values)].filter(
    // What was refused for its form is not missing.
    ({ option }) => !refused.has(option) || Object.hasOwn(values, option),
  )
  const texts = [...problems, ...all.map(({ option, message }) => `--${option} ${message}${origins.get(option) ?? ''}`)]
  if (texts.length > 0) throw new RelayError('CONFIGURATION', listed(texts))
  const config = checked.data!
  for (const option of Object.keys(values) as RunOption[]) {
    const effect = missingEffect(option, config)
    if (effect !== null) warn(`--${option}${origins.get(option) ?? ''} ${effect}`)
  }
  const objects = config.crateObjects
  if (objects !== undefined && missingEffect('crate-objects', config) === null) {
    warn(`--crate-objects${origins.get('crate-objects') ?? ''} ${objectsWarning(objects)}`)
  }
  return { ...config, sink: withObjects(config.sink, objects) }
}

/** What the modules have against the addresses that they read themselves. */
export function addressProblems(values: Given['values'], env: Env) {
  const { source, sink, state, region } = values
  const passwordFile = values['sink-password-file']
  const asked = {
    source:
      typeof source === 'string' && source !== ''
        ? sourceProblem(source, typeof region === 'string' ? { region } : {})
        : null,
    sink: typeof sink === 'string' ? sinkProblem(sink, env) : null,
    state: typeof state === 'string' ? stateProblem(STATE_STORES, state) : null,
    'dead-letters': typeof values['dead-letters'] === 'string' ? pathProblem(values['dead-letters']) : null,
    'sink-password-file': typeof passwordFile === 'string' ? passwordFileProblem(passwordFile, sink) : null,
  }
  return Object.entries(asked).flatMap(([option, message]) => (message === null ? [] : [{ option, message }]))
}

/** Options that exclude or need each other. Not a part of the schema, which would look at them only where all else is right. */
export function contradictions(values: Given['values']) {
  const entry = typeof values.sink === 'string' ? sinkEntry(values.sink) : null
  const isHard = values.deletes === 'hard' && entry?.deletes.includes('hard') === false
  const lacksRole = values['external-id'] !== undefined && values['role-arn'] === undefined
  const hard =
    'cannot be hard with this sink, which cannot take a row away and remember it in one step; soft marks the rows, and a view hides them'
  const noPreview = values['dry-run'] === true && typeof entry?.openPreview === 'string' ? entry.openPreview : null
  const objects = typeof values.sink === 'string' ? objectsProblem(values.sink, values['crate-objects']) : null
  return [
    ...(objects === null ? [] : [{ option: 'crate-objects', message: objects }]),
    ...(noPreview === null ? [] : [{ option: 'dry-run', message: `is not possible with this sink: ${noPreview}` }]),
    ...(isHard ? [{ option: 'deletes', message: hard }] : []),
    ...(lacksRole ? [{ option: 'external-id', message: 'needs --role-arn' }] : []),
  ]
}

export const listed = (problems: readonly string[]): string =>
  `${problems.length === 1 ? 'One problem' : `${problems.length} problems`}:\n  ${problems.join('\n  ')}\n`
