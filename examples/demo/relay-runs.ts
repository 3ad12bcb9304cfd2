import type { Kinesalite } from '../../test/support/kinesis/kinesalite.ts'
import type { ReshardedStream } from '../../test/support/life/stream.ts'
import { type RelayEnd, type RelayProcess, startRelay } from '../../test/support/processes/relay-process.ts'

/** The counts that the program prints when it ends. */
export interface Summary {
  readonly read: number
  readonly applied: number
  readonly superseded: number
  readonly skipped: number
  readonly deadLettered: number
  readonly elapsedMs: number
}

/** Runs the program to its end. Its progress goes straight to our terminal. */
export async function runToEnd(args: readonly string[]): Promise<Summary> {
  const relay = startRelay(args, 'inherit')
  const { exitCode, signal, stdout } = await endOf(relay)
  if (exitCode !== 0) throw new Error(`The relay ended with ${exitCode ?? signal}`)
  return JSON.parse(stdout)
}

/**
 * Runs the program and kills it as soon as it asks for a shard that came from a reshard. It may do so only once all of
 * the parents is durable: so something is committed by then, and all of that shard is still to come.
 */
export async function runUntilChildShard(
  args: readonly string[],
  kinesis: Kinesalite,
  { parents }: ReshardedStream,
): Promise<{ child: string; afterMs: number }> {
  const startedMs = performance.now()
  const relay = startRelay(args, 'inherit')
  let child: string | undefined
  const stopObserving = kinesis.observe(({ operation, body }) => {
    if (child !== undefined || operation !== 'GetShardIterator' || !parents.has(String(body.ShardId))) return
    child = String(body.ShardId)
    relay.child.kill('SIGKILL')
  })
  const { exitCode } = await endOf(relay)
  stopObserving()
  if (child === undefined) throw new Error(`The relay ended with ${exitCode} before it came to a shard of the reshard`)
  return { child, afterMs: performance.now() - startedMs }
}

/** A relay does not outlive the demo. */
async function endOf({ child, ended }: RelayProcess): Promise<RelayEnd> {
  const kill = () => child.kill('SIGKILL')
  process.once('exit', kill)
  const end = await ended
  process.off('exit', kill)
  return end
}
