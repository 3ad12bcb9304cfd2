import * as z from 'zod'
import type { Env } from '../env.ts'
import { RelayError } from '../errors.ts'
import { sourceEntry } from '../ingest/by-url.ts'
import { camelKeys } from './camel-keys.ts'
import { withObjects } from './crate-objects.ts'
import { OWN, type Own } from './dead-letters-errand.ts'
import { DEAD_LETTERS_OPTIONS } from './dead-letters-options.ts'
import { givenOptions } from './given-options.ts'
import { addressProblems, contradictions, listed } from './run-config.ts'
import { RUN_OPTIONS } from './run-options.ts'
import { RUN_SHAPE, type RunConfig } from './run-schema.ts'

const shape = RUN_SHAPE.partial({ source: true }).transform(camelKeys)

/** A relay with all that says how its records are read and its rows written: as it is run, but for the stream. */
export interface ReplayConfig extends Omit<RunConfig, 'name'> {
  readonly name: string
}

/**
 * @param argv what yargs parsed, without defaults
 * @param words in front of the options
 * @throws RelayError CONFIGURATION with every problem in one message
 */
export async function readReplayConfig(
  argv: Readonly<Record<string, unknown>>,
  env: Env,
  words: number,
): Promise<{ readonly config: ReplayConfig; readonly own: Own }> {
  const { values, origins, refused, problems } = await givenOptions(argv, env, { options: DEAD_LETTERS_OPTIONS, words })
  const ofRun = Object.fromEntries(Object.entries(values).filter(([name]) => Object.hasOwn(RUN_OPTIONS, name)))
  const checked = shape.safeParse(ofRun)
  const others = z.object(OWN).safeParse(values)
  const issues = [...(checked.error?.issues ?? []), ...(others.error?.issues ?? [])]
  const noName = 'is missing: the name of the relay; or --source, the stream that it is named after'
  const all = [
    ...issues.map(({ path, message }) => ({ option: String(path[0]), message })),
    ...addressProblems(ofRun, env),
    ...contradictions(ofRun),
    ...(ofRun.name === undefined && ofRun.source === undefined ? [{ option: 'name', message: noName }] : []),
  ].filter(({ option }) => !refused.has(option) || Object.hasOwn(values, option))
  const texts = [...problems, ...all.map(({ option, message }) => `--${option} ${message}${origins.get(option) ?? ''}`)]
  if (texts.length > 0) throw new RelayError('CONFIGURATION', listed(texts))
  const config = checked.data!
  const { source = '' } = config
  return {
    config: {
      ...config,
      source,
      sink: withObjects(config.sink, config.crateObjects),
      name: config.name ?? sourceEntry(source).nameOf(source),
    },
    own: others.data!,
  }
}
