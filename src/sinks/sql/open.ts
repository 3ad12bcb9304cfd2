import type { SinkSettings, SinkSurroundings } from '../entry.ts'
import { rulesOf } from '../rules-of.ts'
import type { Sink } from '../sink.ts'

/** Opens any SQL database: which one it is, the server says. */
export async function openSql(settings: SinkSettings, surroundings: SinkSurroundings): Promise<Sink> {
  const { sqlSink } = await import('./sink.ts')
  const { sink, sinkPasswordFile, deletes = null, tombstoneTtl } = settings
  const { retentionMs, env } = surroundings
  return sqlSink({
    ...rulesOf(settings, surroundings),
    url: sink,
    passwordFile: sinkPasswordFile,
    env,
    // What is ignored does not reach the sink.
    deletes: deletes === 'ignore' ? null : deletes,
    tombstoneTtlMs: tombstoneTtl,
    retentionMs,
  })
}
