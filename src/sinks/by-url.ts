import type { ColumnType, TableName } from '../change.ts'
import type { Env } from '../env.ts'
import { RelayError } from '../errors.ts'
import { suggestion } from '../nearest.ts'
import type { Log } from '../observe/log.ts'
import { fileProblems, pathProblem } from '../server-url.ts'
import { openStateStore, type StateConfig } from '../state/by-url.ts'
import type { StateStore } from '../state/store.ts'
import { gpssAddress } from './gpss/address.ts'
import type { Sink } from './sink.ts'
import { crateAddress } from './sql/cratedb/address.ts'
import { postgresAddress } from './sql/postgresql/address.ts'
import type { TargetRules } from './tables/rules.ts'

/** The options of the command line that sinks look at, under the names that the operator knows. */
export interface SinkConfig extends StateConfig {
  readonly source: string
  readonly sink: string
  readonly 'sink-password-file'?: string | undefined
  readonly mode: 'mirror' | 'append'
  readonly layout?: 'columns' | 'document' | undefined
  /** Absent: hard where the target can, else soft. */
  readonly deletes?: 'hard' | 'soft' | 'ignore' | undefined
  readonly 'create-tables': 'auto' | 'never'
  readonly 'on-schema-change': 'add-only' | 'stop' | 'ignore'
  readonly 'on-reload': 'keep' | 'sweep'
  readonly 'on-error': 'dead-letter' | 'stop'
  readonly 'tombstone-ttl'?: number | undefined
  readonly state?: string | undefined
  readonly 'dead-letters'?: string | undefined
}

/** What sinks must know beside it. */
export interface SinkSurroundings {
  readonly name: string
  /** How long the stream keeps a record; null for a file. */
  readonly retentionMs: number | null
  /** The target that `--table` names; null: the source's own names. */
  readonly routes: (table: TableName) => TableName | null
  /** What `--type` says that columns of a source table hold. */
  readonly declaredTypes: (table: TableName) => ReadonlyMap<string, ColumnType>
  /** False for standard input: then nothing is remembered. */
  readonly keepsState: boolean
  readonly env: Env
  readonly log: Log
}

type OpenSink = (config: SinkConfig, surroundings: SinkSurroundings) => Promise<Sink>

/** URL scheme → sink. A new sink is one line here; each is loaded only when it is used. */
const SINKS: Readonly<Record<string, OpenSink>> = {
  postgresql: openSql,
  postgres: openSql,
  greenplum: openSql,
  crate: openSql,
  pglite: openSql,
  gpss: openGpss,
  jsonl: openJsonl,
}

/** What is wrong with a sink's URL, all of it and without a password; null if nothing is. */
export function sinkProblem(url: string, environment: Env): string | null {
  const scheme = schemeOf(url)
  if (scheme === null || !Object.hasOwn(SINKS, scheme)) {
    const known = Object.keys(SINKS).map((name) => `${name}:`)
    const near = scheme === null ? '' : suggestion(scheme, Object.keys(SINKS), (name) => `${name}:`)
    return `${scheme === null ? 'has no scheme' : `${scheme}: is not known${near}`}; it begins with one of ${known.join(' ')}`
  }
  switch (scheme) {
    case 'pglite':
    case 'jsonl':
      return withoutParameters(scheme, url)
    case 'gpss':
      return refusal(url, () => gpssAddress(url, environment), ['ca', 'cert', 'key', 'password-file'])
    case 'crate':
      return refusal(url, () => crateAddress(url, environment), TLS_FILES)
    default:
      return refusal(url, () => postgresAddress(url), TLS_FILES)
  }
}

const TLS_FILES = ['sslrootcert', 'sslcert', 'sslkey']

function withoutParameters(scheme: string, url: string): string | null {
  const path = url.slice(scheme.length + 1)
  if (path === '')
    return `names no ${scheme === 'pglite' ? 'folder: pglite:DIR' : 'file: jsonl:PATH, or jsonl:- for standard output'}`
  return pathProblem(path)
}

/** What `read` has against a URL, and files of it that are not there. */
function refusal(url: string, read: () => unknown, files: readonly string[]): string | null {
  try {
    read()
  } catch (error) {
    if (!(error instanceof RelayError)) throw error
    return `is refused. ${error.detail}`
  }
  return fileProblems(url, files).join('; ') || null
}

/** What becomes of deleted rows where `--deletes` does not say it. These have no way to take a row away and remember it in one step. */
export const defaultDeletes = (url: string): 'hard' | 'soft' => (/^(gpss|crate):/i.test(url) ? 'soft' : 'hard')

/** @param config with a sink that `sinkProblem` finds nothing wrong with */
export async function openSink(config: SinkConfig, surroundings: SinkSurroundings): Promise<Sink> {
  return await SINKS[schemeOf(config.sink)!]!(config, surroundings)
}

const schemeOf = (url: string): string | null => /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1]?.toLowerCase() ?? null

const rulesOf = (config: SinkConfig, { routes, declaredTypes, log }: SinkSurroundings): TargetRules => ({
  mode: config.mode,
  layout: config.layout ?? null,
  createTables: config['create-tables'],
  onSchemaChange: config['on-schema-change'],
  onReload: config['on-reload'],
  onError: config['on-error'],
  routes,
  declaredTypes,
  log,
})

async function openSql(config: SinkConfig, surroundings: SinkSurroundings): Promise<Sink> {
  const { sqlSink } = await import('./sql/sink.ts')
  const { retentionMs, env } = surroundings
  return sqlSink({
    url: config.sink,
    passwordFile: config['sink-password-file'],
    env,
    // What is ignored does not reach the sink.
    deletes: config.deletes === 'ignore' ? null : (config.deletes ?? null),
    tombstoneTtlMs: config['tombstone-ttl'],
    retentionMs,
    ...rulesOf(config, surroundings),
  })
}

async function openGpss(config: SinkConfig, surroundings: SinkSurroundings): Promise<Sink> {
  const { gpssSink } = await import('./gpss/sink.ts')
  const { name, env } = surroundings
  return gpssSink({
    url: config.sink,
    passwordFile: config['sink-password-file'],
    env,
    relay: name,
    deadLetters: deadLettersOf(config, name),
    store: await storeOf(config, surroundings),
    ...rulesOf(config, surroundings),
  })
}

async function openJsonl(config: SinkConfig, surroundings: SinkSurroundings): Promise<Sink> {
  const { jsonlSink } = await import('./jsonl.ts')
  const { name, log } = surroundings
  const path = config.sink.slice('jsonl:'.length)
  // Standard output is for the changes, and nobody looks for a file beside it.
  const isPiped = path === '-' && config['dead-letters'] === undefined
  const deadLetters = isPiped ? '-' : deadLettersOf(config, name)
  // A look at a file shows the same each time, and leaves nothing behind.
  const isLook = path === '-' && config.source.startsWith('file:') && config.state === undefined
  const store = isLook ? null : await storeOf(config, surroundings)
  return jsonlSink({ path, deadLetters, store, log })
}

async function storeOf(
  config: SinkConfig,
  { name, keepsState, env, log }: SinkSurroundings,
): Promise<StateStore | null> {
  return keepsState
    ? await openStateStore(config.state ?? `file:${fileNameOf(name)}.state.json`, config, env, log)
    : null
}

const deadLettersOf = (config: SinkConfig, name: string): string =>
  config['dead-letters']?.slice('file:'.length) ?? `${fileNameOf(name)}.dead-letters.jsonl`

const fileNameOf = (name: string): string => name.replaceAll(/[^A-Za-z0-9._-]/g, '_')
