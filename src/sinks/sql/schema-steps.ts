import { RelayError } from '../../errors.ts'
import type { Statement } from '../tables/database.ts'

/**
 * One step in the life of the relay's own tables. Their version is the number of steps that were done, and lies in
 * `cdc_relay.schema_version`.
 *
 * To add a step, put it at the end of the list of each dialect that needs it: `postgresql/schema.ts`, `greenplum/schema.ts`,
 * `cratedb/state/schema.ts`. Each list counts for itself, and a step that was released is never altered. A step
 *
 * - only adds: tables, indexes, columns that have a default or may be NULL. Relays of an earlier version go on running while the
 *   step is done, under this name or others, and their statements must still work. What nobody uses any more stays;
 * - may run again at any time, whole or in part, and leaves the same. CrateDB has no transactions: the program may crash
 *   between two statements, and two relays may do one step at the same time. A search there misses what was written within the
 *   last second, unless a REFRESH stands in front of it;
 * - is quick. On PostgreSQL it waits up to 5 seconds for a lock, then fails as busy and is tried again.
 *
 * The tests of `test/sinks/sql/schema-versions.test.ts` begin with tables of earlier versions: check there what the step makes of them.
 */
export interface SchemaStep {
  /** What the step is for, to be read behind "to": "remember what is learned of the tables". */
  readonly about: string
  /** Statements by the name of what each makes: `schema`, a table, or a column as `TABLE.COLUMN`. What is there is not made again. */
  readonly makes: Readonly<Record<string, Statement>>
  /** What else is done, after that: data that moves, say. */
  readonly changes?: readonly Statement[]
}

/** What a target holds of the relay's own tables. */
export interface FoundSchema {
  /** Null where none is recorded: nothing was made yet, or by a relay from before versions were recorded. */
  readonly version: number | null
  /** Of all that the steps make, by the names of `SchemaStep.makes`. */
  readonly parts: ReadonlySet<string>
}

export interface PendingStep {
  /** Of the tables, once it is done. */
  readonly version: number
  readonly about: string
  readonly statements: readonly Statement[]
}

/** The names of everything that the steps make. */
export const partsOf = (steps: readonly SchemaStep[]): string[] => steps.flatMap(({ makes }) => Object.keys(makes))

/**
 * The steps that are to be done, in order. A part that is missing is made again, whatever version is recorded.
 * @throws RelayError STATE_NEWER if the target has a version that the list does not know
 */
export function pendingSteps(steps: readonly SchemaStep[], found: FoundSchema): PendingStep[] {
  requireKnownTables(steps, found)
  const recorded = found.version ?? 0
  return steps
    .map(({ about, makes, changes = [] }, i) => {
      const missing = Object.entries(makes).flatMap(([part, make]) => (found.parts.has(part) ? [] : [make]))
      const version = i + 1
      return { version, about, statements: version > recorded ? [...missing, ...changes] : missing }
    })
    .filter(({ version, statements }) => version > recorded || statements.length > 0)
}

/** @throws RelayError STATE_NEWER */
export function requireKnownTables(steps: readonly SchemaStep[], { version }: FoundSchema): void {
  if (version !== null && version > steps.length) throw newerTables(version, steps.length)
}

/** @param version what is recorded in the target @param known the highest version that this program knows */
export function newerTables(version: number, known: number): RelayError {
  const detail = `The relay's own tables in cdc_relay have version ${version}; this cdc-relay knows them up to version ${known}`
  return new RelayError('STATE_NEWER', detail)
}

/**
 * The user may not do what is pending.
 * @param said the refusal, in words of the database
 * @param statements what a user with more rights can run instead, as text
 */
export function deniedMigration(
  { version }: FoundSchema,
  pending: readonly PendingStep[],
  said: string,
  statements: readonly string[],
): RelayError {
  const from = version === null ? 'no recorded version' : `version ${version}`
  const to = pending.map(({ version: next, about }) => `version ${next} (${about})`).join(', ')
  const list = statements.map((statement) => `  ${statement.replaceAll(/\s+/g, ' ').trim()};\n`).join('')
  const detail = `The relay's own tables in cdc_relay have ${from} and need ${to}, which the user of the relay may not make: ${said}. A user who owns them can run:\n${list}`
  return new RelayError('SINK_DENIED', detail)
}
