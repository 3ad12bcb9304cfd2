import type { SinkSettings, SinkSurroundings } from '../entry.ts'
import type { Preview } from '../preview.ts'
import { rulesOf } from '../rules-of.ts'
import type { Sink } from '../sink.ts'
import type { SqlSinkOptions } from './sink-options.ts'

/** Opens any SQL database: which one it is, the server says. */
export async function openSql(settings: SinkSettings, surroundings: SinkSurroundings): Promise<Sink> {
  const { sqlSink } = await import('./sink.ts')
  return sqlSink(optionsOf(settings, surroundings))
}

/** As `openSql`. */
export async function openSqlPreview(settings: SinkSettings, surroundings: SinkSurroundings): Promise<Preview> {
  const { sqlPreview } = await import('./preview.ts')
  return sqlPreview(optionsOf(settings, surroundings))
}

function optionsOf(settings: SinkSettings, surroundings: SinkSurroundings): SqlSinkOptions {
  const { sink, sinkPasswordFile, deletes = null, tombstoneTtl } = settings
  const { retentionMs, env } = surroundings
  return {
    ...rulesOf(settings, surroundings),
    url: sink,
    passwordFile: sinkPasswordFile,
    env,
    // What is ignored does not reach the sink.
    deletes: deletes === 'ignore' ? null : deletes,
    tombstoneTtlMs: tombstoneTtl,
    retentionMs,
  }
}
