import { RelayError } from '../errors.ts'
import { ask, type Wire } from './wire.ts'

export type ServerKind = 'PostgreSQL' | 'PGlite' | 'Greenplum 6' | 'Greenplum 7' | 'Cloudberry' | 'CrateDB'

export interface Server {
  readonly kind: ServerKind
  /** Of the kind itself: `6.1.2` of CrateDB, which calls itself PostgreSQL 14. */
  readonly version: string
}

/** By what `version()` says, the first that fits. Null: the relay cannot write to it. */
const KINDS: readonly (readonly [says: RegExp, kind: ServerKind | null])[] = [
  [/CrateDB\s+(?<version>[\d.]+)/, 'CrateDB'],
  [/Redshift/i, null],
  [/Greenplum Database [1-5]\./, null],
  [/Greenplum Database (?<version>6[\d.]*)/, 'Greenplum 6'],
  [/Greenplum Database (?<version>[\d.]+)/, 'Greenplum 7'],
  [/Cloudberry[^\d]*(?<version>[\d.]+)?/, 'Cloudberry'],
  [/(?<version>\d[\d.]*).*PGlite/, 'PGlite'],
  [/PostgreSQL (?<version>\d[\w.]*)/, 'PostgreSQL'],
]

/** @throws RelayError CONFIGURATION for a server that is none of ours */
export async function recognise(wire: Wire): Promise<Server> {
  const crate = wire.parameters.get('crate_version')
  if (crate !== undefined) return { kind: 'CrateDB', version: crate }
  const { rows, errors } = await ask(wire, 'SELECT version()')
  const says = rows[0]?.[0] ?? errors.map(({ message }) => message).join('; ')
  for (const [pattern, kind] of KINDS) {
    const match = pattern.exec(says)
    if (match !== null && kind !== null) return { kind, version: match.groups?.version ?? '' }
    if (match !== null) break
  }
  throw new RelayError('CONFIGURATION', `The relay cannot write to this server: ${says}`)
}

/** True if the server is of this version or a later one. */
export function isAtLeast({ version }: Server, wanted: string): boolean {
  const [has, wants] = [version, wanted].map((text) => text.split('.').map((part) => Number.parseInt(part, 10)))
  for (const [at, part] of wants!.entries()) {
    const own = has![at] ?? 0
    if (own !== part) return own > part
  }
  return true
}
