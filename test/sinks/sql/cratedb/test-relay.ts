import type { TestContext } from 'node:test'
import type { SqlSinkOptions } from '../../../../src/sinks/sql/sink-options.ts'
import type { Crate, CrateOptions } from '../../../support/crate/crate.ts'
import { testCrate } from '../../../support/crate/real-crate.ts'
import { crateSinkOf } from '../../../support/targets/crate-target.ts'
import { relayOver, type WritingRelay } from '../relay-over.ts'

/** A relay over a CrateDB of its own. Its rows in trouble are dead letters, unless the options say otherwise. */
export interface CrateRelay extends WritingRelay {
  readonly crate: Crate
}

interface CrateParts {
  /** Statements that make what is there before. */
  readonly tables?: readonly string[]
  readonly crate?: CrateOptions
}

/** @param objects the parameter of the URL */
export async function openCrateRelay(
  t: TestContext,
  { objects, ...options }: Partial<SqlSinkOptions> & { readonly objects?: 'ignored' | 'dynamic' } = {},
  { tables = [], crate: settings = {} }: CrateParts = {},
): Promise<CrateRelay> {
  const crate = await testCrate(settings)
  t.after(() => crate.stop())
  for (const table of tables) crate.query(table)
  const url = objects === undefined ? crate.url : `${crate.url}${crate.url.includes('?') ? '&' : '?'}objects=${objects}`
  const sinkWith = (more: Partial<SqlSinkOptions>) =>
    crateSinkOf({ url, onError: 'dead-letter', layout: null, ...options, ...more })
  return { crate, ...(await relayOver(t, sinkWith)) }
}

/**
 * The rows of a query, each as its values in a line: objects as JSON, with the members `cdc_numbers` as they are stored. Members
 * stand by name: CrateDB gives them back in another order than they came in.
 */
export const lines = (crate: Crate, query: string): string[] =>
  crate.query(query).map((row) => Object.values(row).map(shown).join(' '))

const shown = (value: unknown): string =>
  typeof value === 'object' && value !== null
    ? JSON.stringify(value, (_, member: unknown) => (typeof member === 'bigint' ? Number(member) : byName(member)))
    : String(value)

const byName = (value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value

export interface Letter {
  readonly code: string
  readonly detail: string
  readonly version: string
  readonly sequence: string
  readonly after: unknown
}

/** In order of their sequence numbers. */
export const deadLetters = (crate: Crate): Letter[] =>
  crate
    .query('SELECT "code", "detail", "version", "sequence", "change" FROM "cdc_relay"."dead_letters"')
    .map(({ code, detail, version, sequence, change }) => ({
      code: String(code),
      detail: String(detail),
      version: String(version),
      sequence: String(sequence),
      after: (JSON.parse(String(change)) as { after: unknown }).after,
    }))
    .sort((a, b) => Number(a.sequence) - Number(b.sequence))
