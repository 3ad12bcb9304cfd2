import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { RelayError } from '../errors.ts'
import { fileTrouble } from '../file-trouble.ts'
import { masker } from '../mask.ts'
import { reporter } from '../observe/reporter.ts'
import { exportedText } from '../operate/positions/exported.ts'
import { shardsOf } from '../operate/status.ts'
import type { Seen } from '../state/seen.ts'
import type { StateStore } from '../state/store.ts'
import { awsSettings } from './aws-settings.ts'
import { movePositions } from './move-positions.ts'
import { type NamedRelay, readNamedRelay } from './named-relay.ts'
import { nothingStored, openNamedState } from './open-named-state.ts'
import { actionOf, type Errand, OWN, requireOptions } from './positions-errand.ts'
import { POSITIONS_OPTIONS } from './positions-options.ts'
import { reportFailure } from './report-failure.ts'
import { secretsIn } from './secrets.ts'
import { exitCodeOf, type StopSignal, stopOnSignals } from './stop-on-signals.ts'

/** `cdc-relay positions`: returns the exit code. Everything it has to say is said. */
export async function positions(argv: Readonly<Record<string, unknown>>): Promise<number> {
  let say = await reporter(process.stderr, masker([]))
  const stopping = new AbortController()
  const release = stopOnSignals((signal) => stopping.abort(signal))
  try {
    const action = actionOf(argv)
    const { relay, own } = await readNamedRelay(argv, process.env, { options: POSITIONS_OPTIONS, words: 2, own: OWN })
    requireOptions(action, own)
    const mask = masker(await secretsIn(relay, process.env))
    say = await reporter(process.stderr, mask)
    return await act({ action, relay, own, say, mask, signal: stopping.signal })
  } catch (error) {
    if (!stopping.signal.aborted || (error as Error).name !== 'AbortError') return reportFailure(error, say)
    say.log.warn({ code: 'STOPPED' }, 'Stopped before anything was moved')
    return exitCodeOf(stopping.signal.reason as StopSignal)
  } finally {
    release()
  }
}

async function act(errand: Errand): Promise<number> {
  const { action, relay, own, say, mask, signal } = errand
  const { env, stdout } = process
  // Before anything is asked for: a file that cannot be read is no reason to look at a relay.
  const given = own.file === undefined ? '' : await readGiven(own.file)
  const store = await openNamedState(relay, { aws: awsSettings(relay, env), env, log: say.log })
  try {
    const isMove = action !== 'list' && action !== 'export'
    const seen = isMove ? await lookOnceFree(store, relay, signal) : await lookAt(store, relay)
    if (action === 'export') stdout.write(exportedText(seen, Date.now()))
    else if (action === 'list') stdout.write(mask(await listText(seen, stdout.isTTY && !own.json)))
    else return await movePositions(errand, store, seen, given)
    return 0
  } finally {
    await store.close()
  }
}

async function lookAt(store: StateStore, relay: NamedRelay): Promise<Seen> {
  const seen = await store.look(relay.name)
  if (seen === null) throw nothingStored(relay)
  return seen
}

/** A server takes a moment to notice that a session has ended. */
const SESSION_ENDS_MS = 2_000
const LOOK_AGAIN_MS = 100

/** Who may just have given the name up is waited for; who has it still is in what was seen. */
async function lookOnceFree(store: StateStore, relay: NamedRelay, signal: AbortSignal): Promise<Seen> {
  for (let waitedMs = 0; ; waitedMs += LOOK_AGAIN_MS) {
    const seen = await lookAt(store, relay)
    const mayBeEnding = seen.holder?.isAlive === true && seen.holder.heardOf === null
    if (!mayBeEnding || waitedMs >= SESSION_ENDS_MS) return seen
    await sleep(LOOK_AGAIN_MS, undefined, { signal })
  }
}

async function listText({ relay, stored }: Seen, isForPeople: boolean): Promise<string> {
  const now = Date.now()
  const shards = shardsOf(stored.positions, now)
  if (!isForPeople) return `${JSON.stringify({ name: relay.name, shards })}\n`
  if (shards.length === 0) return 'No position is stored: reading begins at the oldest record.\n'
  const { shardsText } = await import('../operate/status-text.ts')
  return `${shardsText(shards)}\n`
}

async function readGiven(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw new RelayError('CONFIGURATION', `--file ${path} cannot be read: ${fileTrouble(cause)}`, {}, cause)
  }
}
