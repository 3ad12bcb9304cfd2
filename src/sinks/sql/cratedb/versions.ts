import { RelayError } from '../../../errors.ts'
import type { Log } from '../../../observe/log.ts'

/** Major, minor, patch. */
type Version = readonly [number, number, number]

interface Trouble {
  /** The first version that has it; null for all before `until`. */
  readonly from: Version | null
  /** The first that has it no more. */
  readonly until: Version
  readonly what: string
  readonly isRefused: boolean
}

/** https://cratedb.com/docs/crate/reference/en/latest/appendices/release-notes/ and the issue that it names */
const REGRESSION =
  'an upsert could set generated and default columns to NULL, and replicas could number writes otherwise than their primary'
const RACE = 'messages of the PostgreSQL protocol could come in the wrong order'

const TROUBLES: readonly Trouble[] = [
  {
    from: null,
    until: [5, 5, 3],
    what: 'an UPDATE or DELETE by key and a further condition can change rows that do not meet it (issue 14347), and the fence of the relay rests on these',
    isRefused: true,
  },
  { from: null, until: [5, 10, 10], what: 'an upsert could hang', isRefused: false },
  { from: [5, 10, 11], until: [5, 10, 12], what: REGRESSION, isRefused: false },
  { from: null, until: [5, 10, 12], what: RACE, isRefused: false },
  { from: [6, 0, 0], until: [6, 0, 1], what: REGRESSION, isRefused: false },
  { from: [6, 0, 0], until: [6, 0, 1], what: RACE, isRefused: false },
  {
    from: [6, 0, 0],
    until: [6, 2, 2],
    what: 'lists of mixed types within lists of objects could come back changed (issue 19082)',
    isRefused: false,
  },
]

/**
 * The relay is built for CrateDB 5.10.12 and newer. Older ones, and those with a known regression, are warned of; what would
 * let two relays overwrite each other's positions is refused.
 *
 * @param says `CrateDB 6.1.2 (built …)`; a version that cannot be read counts as new
 * @throws RelayError CONFIGURATION
 */
export function requireCrateVersion(says: string, log: Log | null): void {
  const [, text, major, minor, patch] = /^CrateDB ((\d+)\.(\d+)\.(\d+))/.exec(says) ?? []
  if (text === undefined) return
  const version: Version = [Number(major), Number(minor), Number(patch)]
  for (const { from, until, what, isRefused } of TROUBLES) {
    if ((from !== null && isBefore(version, from)) || !isBefore(version, until)) continue
    const advice = `In CrateDB ${text} ${what}: update to ${until.join('.')} or newer`
    if (isRefused) throw new RelayError('CONFIGURATION', advice)
    log?.warn({ code: 'SERVER_ADVICE', version: text }, advice)
  }
}

function isBefore(a: Version, b: Version): boolean {
  const at = a.findIndex((part, i) => part !== b[i])
  return at !== -1 && a[at]! < b[at]!
}
