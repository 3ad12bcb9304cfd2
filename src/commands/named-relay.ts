import type { Options } from 'yargs'
import * as z from 'zod'
import type { Env } from '../env.ts'
import { RelayError } from '../errors.ts'
import { sourceEntry } from '../ingest/by-url.ts'
import { camelKeys } from './camel-keys.ts'
import { givenOptions } from './given-options.ts'
import { NAMED_RELAY_NAMES } from './named-relay-options.ts'
import { addressProblems, listed } from './run-config.ts'
import { RUN_SHAPE } from './run-schema.ts'

const shape = RUN_SHAPE.pick({
  name: true,
  source: true,
  sink: true,
  'sink-password-file': true,
  state: true,
  'dead-letters': true,
  region: true,
  profile: true,
  'role-arn': true,
  'external-id': true,
  'endpoint-url': true,
})
  .partial({ source: true, sink: true })
  .transform(camelKeys)

/** A relay as the operator names it: enough to find what is kept of it. */
export interface NamedRelay extends Omit<z.output<typeof shape>, 'name'> {
  readonly name: string
}

/** A command for which a relay is named. @typeParam Own what its own options are read as, by their names */
export interface NamingCommand<Own extends z.ZodRawShape> {
  /** Of the command line, `NAMED_RELAY_OPTIONS` among them. */
  readonly options: Readonly<Record<string, Options>>
  /** How many words stand in front of the options: 2 for `positions list`. */
  readonly words: number
  /** What the other options take. */
  readonly own: Own
}

/**
 * Which relay is meant, by command line, variables and YAML file (in this order), and the own options of the command. The last two
 * may hold all options of `run`; what is not needed is not looked at.
 *
 * @param argv what yargs parsed, without defaults
 * @throws RelayError CONFIGURATION with every problem in one message
 */
export async function readNamedRelay<Own extends z.ZodRawShape>(
  argv: Readonly<Record<string, unknown>>,
  env: Env,
  { options, words, own }: NamingCommand<Own>,
): Promise<{ readonly relay: NamedRelay; readonly own: z.output<z.ZodObject<Own>> }> {
  const { values, origins, refused, problems } = await givenOptions(argv, env, { options, words })
  const named = Object.fromEntries(
    NAMED_RELAY_NAMES.flatMap((name) => (values[name] === undefined ? [] : [[name, values[name]]])),
  )
  const relay = shape.safeParse(named)
  const others = z.object(own).safeParse(values)
  const issues = [...(relay.error?.issues ?? []), ...(others.error?.issues ?? [])]
  const all = [
    ...issues.map(({ path, message }) => ({ option: String(path[0]), message })),
    ...addressProblems(named, env),
    ...missing(named),
  ].filter(({ option }) => !refused.has(option) || Object.hasOwn(values, option))
  const texts = [...problems, ...all.map(({ option, message }) => `--${option} ${message}${origins.get(option) ?? ''}`)]
  if (texts.length > 0) throw new RelayError('CONFIGURATION', listed(texts))
  const found = relay.data!
  return {
    relay: { ...found, name: found.name ?? sourceEntry(found.source!).nameOf(found.source!) },
    own: others.data!,
  }
}

function missing({ name, source, sink, state }: Readonly<Record<string, unknown>>) {
  const noName = 'is missing: the name of the relay; or --source, the stream that it is named after'
  const noSink = 'is missing: what the relay writes to; or --state, where that keeps no state itself'
  return [
    ...(name === undefined && source === undefined ? [{ option: 'name', message: noName }] : []),
    ...(sink === undefined && state === undefined ? [{ option: 'sink', message: noSink }] : []),
  ]
}
