import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The folder `test/`. */
const TESTS = join(import.meta.dirname, '..')

/**
 * Which test files share a process in `npm test`, by their path in `test/`: to start one, to load the program in it, and to start servers
 * for it takes longer than many a file. The first that fits counts; where none does, the file has a process of its own.
 */
const GROUPS: readonly (readonly [group: string, files: RegExp])[] = [
  ['cratedb-tables', /^sinks\/sql\/cratedb\/(tables|documents)\//],
  ['cratedb-rows', /^sinks\/sql\/cratedb\/(rows|state)\/|^support\/crate\//],
  ['cratedb', /^sinks\/sql\/cratedb\/(?!killed-program)/],
  ['greenplum', /^sinks\/sql\/greenplum\/(?!greenplum)/],
  [
    'sql-columns',
    /^sinks\/sql\/(columns|concurrency|connection|dropped|imagined|keyless|migration|reload|schema-changes|set-aside|tables|tombstones|unclaimed|widened)/,
  ],
  ['sql-refused', /^sinks\/sql\/(refused|refusals|every-type|wide-rows)/],
  ['sql-versions', /^sinks\/sql\/(schema-versions|removed-name|postgresql)/],
  ['gpss-append', /^sinks\/gpss\/(append|load|refusals|types|values)/],
  ['gpss-mirror', /^sinks\/gpss\/(?!hostile|sink)/],
  ['tables', /^sinks\/(tables\/|[^/]+$)/],
  ['letters', /^sinks\/letters\//],
  [
    'pure',
    /^(decode|deliver|deploy|feeds|http|observe|operate|stages|examples)\/|^ingest\/[^/]+$|^ingest\/file\/|^[^/]+$|^sinks\/sql\/(failures|remedies|schema-steps)|^check\/check-report|^commands\/(dry-run-text|relay-options|report-failure|run-config|settings-text)/,
  ],
  ['streams', /^ingest\//],
  ['state', /^(state|aws)\//],
  ['support', /^support\//],
  ['docs', /^docs\//],
  ['check', /^check\/check-/],
  ['operate', /^e2e\/operate\/(hanging|killed-replay|terminal)/],
  ['field', /^e2e\/field\//],
  ['commands', /^commands\/(key-change|run-trouble)/],
]

/**
 * Hooks of a file would be hooks of all files of its process, or of whatever test runs as it is imported: also an `after` ran too
 * early. And what it does to its process all would see.
 */
const NEEDS_ITS_OWN =
  /^(await )?(before|after)(Each)?\(|process\.(chdir|env\.\w+ =|on\()|\bmock\.|keepPGliteOpen|describeStatements/m

export const entryOf = (group: string): string => join(import.meta.dirname, `${group}.group.ts`)

/** The test files of each group, and those that stand alone; absolute paths. */
export function grouped(): {
  readonly groups: ReadonlyMap<string, readonly string[]>
  readonly alone: readonly string[]
} {
  const groups = new Map(GROUPS.map(([group]): [string, string[]] => [group, []]))
  const alone: string[] = []
  for (const path of globSync('**/*.test.ts', { cwd: TESTS, exclude: ['**/node_modules'] }).sort()) {
    const file = join(TESTS, path)
    const [group] = GROUPS.find(([, files]) => files.test(path)) ?? []
    if (group === undefined || NEEDS_ITS_OWN.test(readFileSync(file, 'utf8'))) alone.push(file)
    else groups.get(group)!.push(file)
  }
  return { groups, alone }
}
