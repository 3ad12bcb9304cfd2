import type { Env } from '../env.ts'
import { suggestion } from '../nearest.ts'
import { schemeOf } from '../server-url.ts'
import type { SinkEntry, SinkSettings, SinkSurroundings } from './entry.ts'
import { GPSS } from './gpss/entry.ts'
import { JSONL } from './jsonl-entry.ts'
import type { Sink } from './sink.ts'
import { CRATEDB } from './sql/cratedb/entry.ts'
import { GREENPLUM } from './sql/greenplum/entry.ts'
import { POSTGRESQL } from './sql/postgresql/entry.ts'
import { PGLITE } from './sql/postgresql/pglite-entry.ts'

/** URL scheme → kind of target. A new one is one line here. */
const SINKS: Readonly<Record<string, SinkEntry>> = {
  postgresql: POSTGRESQL,
  postgres: POSTGRESQL,
  greenplum: GREENPLUM,
  gpss: GPSS,
  crate: CRATEDB,
  pglite: PGLITE,
  jsonl: JSONL,
}

/** All kinds, each once, under its first scheme. */
export const SINK_KINDS: readonly (readonly [scheme: string, entry: SinkEntry])[] = Object.entries(SINKS).filter(
  ([, entry], at, all) => all.findIndex(([, other]) => other === entry) === at,
)

/** The schemes of the kinds that are like this. */
export const sinkSchemes = (isSuch: (entry: SinkEntry) => boolean): string[] =>
  SINK_KINDS.filter(([, entry]) => isSuch(entry)).map(([scheme]) => scheme)

/** Null: no kind of target has this scheme. */
export function sinkEntry(url: string): SinkEntry | null {
  const scheme = schemeOf(url)
  return scheme !== null && Object.hasOwn(SINKS, scheme) ? SINKS[scheme]! : null
}

/** What is wrong with a sink's URL, all of it and without a password; null if nothing is. */
export function sinkProblem(url: string, env: Env): string | null {
  const entry = sinkEntry(url)
  if (entry !== null) return entry.problem(url, env)
  const scheme = schemeOf(url)
  const known = Object.keys(SINKS).map((name) => `${name}:`)
  const near = scheme === null ? '' : suggestion(scheme, Object.keys(SINKS), (name) => `${name}:`)
  return `${scheme === null ? 'has no scheme' : `${scheme}: is not known${near}`}; it begins with one of ${known.join(' ')}`
}

/** What becomes of deleted rows where `--deletes` does not say it. */
export const defaultDeletes = (url: string): 'hard' | 'soft' => sinkEntry(url)?.deletes[0] ?? 'hard'

/** @param settings with a sink that `sinkProblem` finds nothing wrong with */
export async function openSink(settings: SinkSettings, surroundings: SinkSurroundings): Promise<Sink> {
  return await sinkEntry(settings.sink)!.open(settings, surroundings)
}
