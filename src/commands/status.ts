import * as z from 'zod'
import { masker, maskTexts } from '../mask.ts'
import { reporter } from '../observe/reporter.ts'
import { type Status, statusOf } from '../operate/status.ts'
import type { Seen } from '../state/seen.ts'
import { askStream } from './ask-stream.ts'
import { awsSettings } from './aws-settings.ts'
import { lettersOf } from './letters-status.ts'
import { type NamedRelay, readNamedRelay } from './named-relay.ts'
import { nothingStored, openNamedState, stateUrlOf } from './open-named-state.ts'
import { reportFailure } from './report-failure.ts'
import { secretsIn } from './secrets.ts'
import { STATUS_OPTIONS } from './status-options.ts'

const OWN = { json: z.boolean({ error: 'must be true or false' }).default(false) }

/** `cdc-relay status`: returns the exit code. Everything it has to say is said. */
export async function status(argv: Readonly<Record<string, unknown>>): Promise<number> {
  const { env, stdout } = process
  let say = await reporter(process.stderr, masker([]))
  try {
    const { relay, own } = await readNamedRelay(argv, env, { options: STATUS_OPTIONS, words: 1, own: OWN })
    const mask = masker(await secretsIn(relay, env))
    say = await reporter(process.stderr, mask)
    const store = await openNamedState(relay, { aws: awsSettings(relay, env), env, log: say.log })
    const seen = await store.look(relay.name).finally(() => store.close())
    if (seen === null) throw nothingStored(relay)
    const now = Date.now()
    const found = maskTexts(await statusIn(relay, seen, now), mask)
    stdout.write(stdout.isTTY && !own.json ? await textOf(found, now) : `${JSON.stringify(found)}\n`)
    return 0
  } catch (error) {
    return reportFailure(error, say)
  }
}

async function statusIn(relay: NamedRelay, seen: Seen, now: number): Promise<Status> {
  const [stream, deadLetters] = await Promise.all([
    askStream(relay, async (_, identity) => identity),
    lettersOf(relay, seen),
  ])
  return statusOf(seen, { state: stateUrlOf(relay), now, stream, deadLetters })
}

async function textOf(found: Status, now: number): Promise<string> {
  const { statusText } = await import('../operate/status-text.ts')
  return statusText(found, now)
}
