import { RelayError } from '../errors.ts'
import { masker } from '../mask.ts'
import { type Reporter, reporter } from '../observe/reporter.ts'
import { keptJson, shownId, wholeJson } from '../operate/dead-letters/letter-json.ts'
import { sinkEntry } from '../sinks/by-url.ts'
import {
  type KeptLetter,
  type LetterFilter,
  type LetterStanding,
  type LetterStore,
  namesLetter,
} from '../sinks/letter-store.ts'
import { unknownName } from '../state/identity.ts'
import { isConfirmed } from './confirmed.ts'
import { type Action, errandOf, filterOf, OWN, type Own, requireChoice } from './dead-letters-errand.ts'
import { DEAD_LETTERS_OPTIONS } from './dead-letters-options.ts'
import { type NamedRelay, readNamedRelay } from './named-relay.ts'
import { reportFailure } from './report-failure.ts'
import { secretsIn } from './secrets.ts'
import { watched } from './watched.ts'

/** `cdc-relay dead-letters`: returns the exit code. Everything it has to say is said. */
export async function deadLetters(argv: Readonly<Record<string, unknown>>): Promise<number> {
  let say = await reporter(process.stderr, masker([]))
  try {
    const { action, ids, words } = errandOf(argv)
    if (action === 'replay') {
      const { replayCommand } = await import('./replay-command.ts')
      return await replayCommand(argv, ids, words)
    }
    const options = { options: DEAD_LETTERS_OPTIONS, words, own: OWN }
    const { relay, own } = await readNamedRelay(argv, process.env, options)
    const filter = filterOf(own, ids)
    requireChoice(action, filter, own)
    say = await reporter(process.stderr, masker(await secretsIn(relay, process.env)))
    return await watched(say, false, (signal) => act({ action, relay, own, filter, say, signal }))
  } catch (error) {
    return reportFailure(error, say)
  }
}

interface Errand {
  readonly action: Exclude<Action, 'replay'>
  readonly relay: NamedRelay
  readonly own: Own
  readonly filter: LetterFilter
  readonly say: Reporter
  readonly signal: AbortSignal
}

async function act(errand: Errand): Promise<number> {
  const { action, relay } = errand
  const { name, sink, sinkPasswordFile, deadLetters } = relay
  if (sink === undefined) throw new RelayError('CONFIGURATION', '--sink is missing: what the relay writes to')
  const place = { sink, sinkPasswordFile, deadLetters, name, writes: action === 'discard', env: process.env }
  const store = await sinkEntry(sink)!.openLetters(place)
  try {
    return action === 'discard' ? await discard(errand, store) : await show(errand, store)
  } finally {
    await store.close()
  }
}

/** One page. */
async function show({ action, relay, own, filter, say }: Errand, store: LetterStore): Promise<number> {
  const { stdout } = process
  const { from, limit } = own
  const isForPeople = stdout.isTTY && !own.json
  const page = action === 'show' ? await written(store, own, filter) : await store.list(filter, from ?? null, limit)
  if (page.letters.length === 0) await requireKnown(relay, store)
  if (action === 'list') {
    const standings = (await store.standings?.(page.letters.map(({ id }) => id))) ?? new Map<string, LetterStanding>()
    stdout.write(
      isForPeople
        ? await tableOf(page.letters, standings)
        : page.letters.map((letter) => `${keptJson(letter, standings.get(letter.id) ?? 'not known')}\n`).join(''),
    )
  }
  if (page.next !== null) say.log.warn({ code: 'MORE_LETTERS' }, `There may be more: --from "${page.next}" goes on`)
  return sayMissing(filter, page.letters, say)
}

async function written(store: LetterStore, { from, limit }: Own, filter: LetterFilter) {
  const page = await store.read(filter, from ?? null, limit)
  for (const letter of page.letters) process.stdout.write(`${wholeJson(letter)}\n`)
  return page
}

async function tableOf(
  letters: readonly KeptLetter[],
  standings: ReadonlyMap<string, LetterStanding>,
): Promise<string> {
  const { lettersText } = await import('../operate/dead-letters/letters-text.ts')
  return lettersText(letters, standings, process.stdout.columns)
}

/** Letters that are let go at a time. */
const DISCARDED_AT_ONCE = 500

async function discard({ relay, own, filter, say, signal }: Errand, store: LetterStore): Promise<number> {
  const found = await allOf(store, filter, signal)
  if (found.length === 0) await requireKnown(relay, store)
  const missing = sayMissing(filter, found, say)
  if (found.length > (filter.ids?.length ?? found.length)) {
    throw new RelayError('CONFIGURATION', 'What is given as an id is the beginning of several: give more of its digits')
  }
  if (found.length > 0 && !own.yes && !(await isConfirmed(questionOf(found), signal))) {
    throw new RelayError('CONFIGURATION', `Nothing is discarded: ${questionOf(found)} Confirm it, or say --yes`)
  }
  let discarded = 0
  for (let at = 0; at < found.length && !signal.aborted; at += DISCARDED_AT_ONCE) {
    discarded += await store.remove(found.slice(at, at + DISCARDED_AT_ONCE).map(({ id }) => id))
  }
  const { stdout } = process
  stdout.write(
    stdout.isTTY && !own.json ? `${discarded} dead letters discarded\n` : `${JSON.stringify({ discarded })}\n`,
  )
  return missing
}

async function allOf(store: LetterStore, filter: LetterFilter, signal: AbortSignal): Promise<readonly KeptLetter[]> {
  const found: KeptLetter[] = []
  let from: string | null = null
  do {
    signal.throwIfAborted()
    const page = await store.list(filter, from, DISCARDED_AT_ONCE)
    found.push(...page.letters)
    from = page.next
  } while (from !== null)
  return found
}

function questionOf(letters: readonly KeptLetter[]): string {
  const counts = new Map<string, number>()
  for (const { table, code } of letters) {
    const kind = `${code} of ${table ?? 'records that could not be read'}`
    counts.set(kind, (counts.get(kind) ?? 0) + 1)
  }
  const kinds = Array.from(counts, ([kind, count]) => `${count} ${kind}`)
  return `Discard ${letters.length === 1 ? 'one dead letter' : `${letters.length} dead letters`} for good (${kinds.join(', ')})?`
}

/** An empty list of a name that is misspelt would say that all is well. */
async function requireKnown({ name }: NamedRelay, store: LetterStore): Promise<void> {
  const { letters } = await store.list({}, null, 1)
  if (letters.length === 0 && !(await store.knowsRelay())) throw unknownName(name, 'the target')
}

/** Names the ids that are not there; returns the exit code. */
function sayMissing({ ids = [] }: LetterFilter, found: readonly KeptLetter[], { log }: Reporter): number {
  const missing = ids.filter((id) => !found.some((letter) => namesLetter(id, letter.id)))
  if (missing.length === 0) return 0
  log.error(
    { code: 'LETTERS_MISSING', ids: missing.map(shownId) },
    `There is no dead letter ${missing.map(shownId).join(', ')}`,
  )
  return 1
}
