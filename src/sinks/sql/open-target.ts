import type { Opening, RelayIdentity, Replaying, Stored } from '../../batch.ts'
import { RelayError } from '../../errors.ts'
import type { Catalogue } from '../tables/catalogue.ts'
import { DoubtedColumns } from '../tables/doubted-columns.ts'
import type { Layout } from '../tables/layout.ts'
import { type PreviewCatalogue, previewCatalogue } from '../tables/preview-catalogue.ts'
import type { Relation } from '../tables/relation.ts'
import { layoutFor } from '../tables/rules.ts'
import { type Tables, targetTables } from '../tables/tables.ts'
import { connect, connectToLook } from './connect.ts'
import type { Connection } from './connection.ts'
import type { Dialect } from './dialect.ts'
import { dialectOf } from './dialect-of.ts'
import { type Pruner, tombstonePruner } from './prune.ts'
import { replayState } from './replay-state.ts'
import type { Settings } from './sink-options.ts'
import type { SqlState } from './state.ts'
import { type BatchState, type UnclaimedState, unclaimedState } from './unclaimed-state.ts'

/** A database that is open. */
export interface Target {
  readonly connection: Connection
  readonly dialect: Dialect
  /** For a name that is claimed. */
  readonly claimed: SqlState
  readonly tables: Tables
  readonly pruner: Pruner
  readonly doubted: DoubtedColumns
}

/** One that is only looked at. */
export interface LookedTarget {
  readonly connection: Connection
  readonly dialect: Dialect
  readonly tables: Tables
  readonly preview: PreviewCatalogue<Relation>
}

/** The relay's name in it. */
interface OpenedName {
  readonly state: BatchState
  /** The same, for a name that nobody claims; else null. */
  readonly unclaimed: UnclaimedState | null
  /** What there is of it. */
  readonly stored: Stored
}

export interface Opened extends Target, Omit<OpenedName, 'stored'> {}

export interface OpenedForLetters extends Opened {
  readonly unclaimed: UnclaimedState
  /** Of the relay. */
  readonly settings: RelayIdentity['settings']
}

/** @param isShared true if no process has the target's tables for itself */
export async function openTarget(options: Settings, isShared: boolean): Promise<Target> {
  return await orClosed(options, async (connection, dialect) =>
    targetOf(options, connection, dialect, { isShared, keepsKeys: false }),
  )
}

/** For letters of a name that are written again: nothing is claimed, nothing is pruned. @throws RelayError CONFIGURATION, STATE_DIFFERS */
export async function openForLetters(options: Settings, replaying: Replaying): Promise<OpenedForLetters> {
  return await orClosed(options, async (connection, dialect) => {
    const beside = dialect.besideState(connection)
    const { facts, settings, isShared } = await beside.join(replaying)
    const looks = options.mode === 'mirror'
    const isAtomic = dialect.writing.undoesParts
    const state = replayState(beside, dialect.letters(connection), { replaying, facts, looks, isAtomic })
    const target = targetOf(options, connection, dialect, { isShared, keepsKeys: !replaying.mayChangeKeys })
    return { ...target, state, unclaimed: state, settings, pruner: { pruneDue: async () => {} } }
  })
}

/** To look at alone: whatever is to be made in it counts as made. */
export async function openToLook(options: Settings): Promise<LookedTarget> {
  const work = async (connection: Connection, dialect: Dialect): Promise<LookedTarget> => {
    if (dialect.readOnly !== undefined) await connection.beginWith(dialect.readOnly)
    const preview = previewCatalogue(dialect.catalogue(connection))
    const sharing = { isShared: false, keepsKeys: false }
    const tables = tablesOf(options, connection, dialect, preview.catalogue, sharing)
    return { connection, dialect, tables, preview }
  }
  return await orClosed(options, work, connectToLook)
}

async function orClosed<T>(
  options: Settings,
  work: (connection: Connection, dialect: Dialect) => Promise<T>,
  open = connect,
): Promise<T> {
  const connection = await open(options.url, options.passwordFile, options.env)
  try {
    return await work(connection, await dialectOf(connection, options.log))
  } catch (error) {
    await connection.close()
    throw error
  }
}

interface Sharing {
  /** True if no process has the target's tables for itself. */
  readonly isShared: boolean
  readonly keepsKeys: boolean
}

function targetOf(options: Settings, connection: Connection, dialect: Dialect, sharing: Sharing): Target {
  return {
    connection,
    dialect,
    claimed: dialect.state(connection, options.log),
    tables: tablesOf(options, connection, dialect, dialect.catalogue(connection), sharing),
    pruner: tombstonePruner(connection.db, dialect, options.retentionMs ?? null, options.tombstoneTtlMs ?? 0),
    doubted: new DoubtedColumns(),
  }
}

function tablesOf(
  options: Settings,
  connection: Connection,
  dialect: Dialect,
  catalogue: Catalogue,
  { isShared, keepsKeys }: Sharing,
): Tables {
  return targetTables({
    rules: options,
    catalogue,
    names: dialect.names,
    layoutOf: layoutsOf(options, dialect, connection, deletesOf(options, dialect), isShared),
    defaultSchema: connection.schema ?? dialect.defaultSchema,
    keepsKeys,
  })
}

/** Claims the relay's name, or joins it under an engine. */
export async function openName(
  { dialect, connection, claimed }: Target,
  { mode }: Settings,
  opening: Opening,
  signal: AbortSignal,
): Promise<OpenedName> {
  if (opening.positions !== 'engine') {
    return { state: claimed, unclaimed: null, stored: await claimed.claim(opening, signal) }
  }
  const shared = dialect.sharedState(connection)
  const unclaimed = unclaimedState(shared, opening, await shared.join(opening), mode === 'mirror')
  return { state: unclaimed, unclaimed, stored: unclaimed.stored() }
}

/** @throws RelayError CONFIGURATION */
function deletesOf({ deletes = null, mode }: Settings, { title, deletes: able }: Dialect): 'hard' | 'soft' {
  if (deletes === null || mode === 'append') return able[0]
  if ((able as readonly string[]).includes(deletes)) return deletes
  const detail = `--deletes ${deletes} is not possible with ${title}, which cannot take a row away and remember it in one step: it is always ${able[0]}`
  throw new RelayError('CONFIGURATION', detail)
}

function layoutsOf(
  rules: Settings,
  dialect: Dialect,
  connection: Connection,
  deletes: 'hard' | 'soft',
  isShared: boolean,
): (hasDefinition: boolean) => Layout {
  if (rules.mode === 'append') {
    const log = dialect.append(isShared)
    return () => log
  }
  const mirrors = dialect.mirrors(connection, deletes, rules.declaredTypes)
  return (hasDefinition) => mirrors[layoutFor(rules, hasDefinition)]
}
