import type { TestEnd } from '../postgres/postgres.ts'
import { withoutPostgres } from '../postgres/postgres-programs.ts'
import { type PostgresServer, startPostgres, type TestDatabase, UNSYNCED } from '../postgres/postgres-server.ts'
import { reusedDatabases } from '../postgres/reused-databases.ts'
import { statementsOf, type Token } from '../sql-tokens.ts'
import { startWireProxy } from '../wire/wire-proxy.ts'
import { AS_SENT } from '../wire/wire-proxy-protocol.ts'
import { greenplumCluster } from './cluster.ts'
import { DISGUISABLE, disguise, distribute, forgetTables, HIDDEN, KERNELS, SEES_ALL } from './kernel.ts'
import { lockOrder } from './locks.ts'
import { type GreenplumKind, NEWER_SETTING, refusals } from './rules.ts'
import { clauseOf, createTable, type Distribution, type Distributions, setDistributed } from './tables.ts'

export type { GreenplumKind } from './rules.ts'

export const GREENPLUM_KINDS: readonly GreenplumKind[] = ['6', '7', 'cloudberry']

/** A database of a stand-in for Greenplum. `url` leads through the stand-in, `query` straight to the PostgreSQL behind it. */
export interface GreenplumDatabase extends TestDatabase {
  readonly kind: GreenplumKind
  /** All statements that came by the URL, as they were sent, in the order in which they were executed. */
  statements(): readonly string[]
  /** What was refused since the last call: what it was, and the statement. */
  takeRefusals(): string[]
  /** Makes the database take a table, made by `query`, for one that is spread so. */
  spread(table: string, distribution: Distribution): Promise<void>
  /** @throws if a statement was refused and nobody took the refusal: the relay may have taken it for something else */
  drop(): Promise<void>
}

/** The cluster that the tests are to use in place of the stand-ins, if one is named. */
const cluster = await greenplumCluster()

/** True where tests run on a Greenplum that nobody here wrote. */
export const isRealGreenplum = cluster !== null

/** For the option `skip` of a test: why there is no such Greenplum here, or false if there is. */
export function withoutGreenplum(kind: GreenplumKind): string | false {
  if (cluster === null) return withoutPostgres(KERNELS[kind].postgres)
  return cluster.kind === kind ? false : `CDC_TEST_GREENPLUM is a Greenplum ${cluster.kind}`
}

/** For tests that only a stand-in can run: why there is none. */
export const withoutStandIn = (kind: GreenplumKind): string | false =>
  isRealGreenplum ? 'CDC_TEST_GREENPLUM is no stand-in' : withoutGreenplum(kind)

/**
 * A database that takes the SQL of Greenplum 6, Greenplum 7 or Cloudberry, and refuses what PostgreSQL understands and
 * they do not (`greenplum-rules.ts`, `greenplum-kernel.ts`).
 *
 * It is no Greenplum. Behind it runs one PostgreSQL, of the version that Greenplum 7 and Cloudberry are made from (12,
 * 14), or for Greenplum 6 of version 10, the nearest to 9.4 that can be had. In front of it a proxy takes DISTRIBUTED
 * away once it has checked it, answers for settings and `version()`, and looks for transactions that would lock each other
 * out on whole tables (`greenplum-locks.ts`). So it shows that the statements are valid, that
 * they do what they should on one node, and that they stay away from what is known to be refused. It shows nothing of
 * segments, of how rows are spread, of who waits for whom, of the deadlock detector, of GPORCA, of append-optimised tables, nor
 * of what is refused and not known here. A refusal is always a syntax error (42601), whatever Greenplum would answer.
 */
export async function greenplumDatabase(
  t: TestEnd | undefined,
  kind: GreenplumKind,
  deadlockDetector: 'on' | 'off' = 'off',
): Promise<GreenplumDatabase> {
  const database = await (cluster?.newDatabase() ?? standIn(kind, deadlockDetector))
  const { hostname, port } = new URL(database.url)

  const statements: string[] = []
  const refused: string[] = []
  const tables: Distributions = new Map()
  const locks = lockOrder()
  const proxy = await startWireProxy(
    { host: hostname, port: Number(port) },
    ({ kind, statement: { text } }, connection) => {
      if (kind === 'answered') return 'pass'
      statements.push(text)
      const faults = statementsOf(text).flatMap((statement) => locks.sent(connection, statement))
      refused.push(...faults.map((what) => `not refused, but perhaps a deadlock: ${what}: ${text}`))
      return 'pass'
    },
    cluster !== null
      ? AS_SENT
      : {
          statement: (text) => statementForKernel(kind, text, tables, (what) => refused.push(`${what}: ${text}`)),
          startup: (name, value) => startupForKernel(kind, name, value),
        },
  )

  const url = new URL(database.url)
  const greenplum: GreenplumDatabase = {
    ...database,
    kind,
    // The scheme of a URL object cannot be changed to one that is not special to browsers.
    url: `greenplum://${url.username}${url.password === '' ? '' : `:${url.password}`}@127.0.0.1:${proxy.port}${url.pathname}`,
    statements: () => statements,
    takeRefusals: () => refused.splice(0),
    async spread(table, distribution) {
      tables.set(table, distribution)
      if (cluster === null) await database.query(distribute(table, distribution))
      else await database.query(`ALTER TABLE ${table} SET ${clauseOf(distribution)}`)
    },
    async drop() {
      await proxy.close()
      await database.drop()
      const left = refused.splice(0)
      if (left.length > 0) throw new Error(`Greenplum ${kind} would have refused:\n${left.join('\n')}`)
    },
  }
  t?.after(greenplum.drop)
  return greenplum
}

const standIns = new Map<string, Promise<() => Promise<TestDatabase>>>()

/** A database of the one server of this kind in this test process. */
async function standIn(kind: GreenplumKind, deadlockDetector: 'on' | 'off'): Promise<TestDatabase> {
  const which = `${kind}, deadlock detector ${deadlockDetector}`
  const lend = standIns.get(which) ?? disguisedDatabases(kind, deadlockDetector)
  standIns.set(which, lend)
  return (await lend)()
}

async function disguisedDatabases(
  kind: GreenplumKind,
  deadlockDetector: 'on' | 'off',
): Promise<() => Promise<TestDatabase>> {
  return reusedDatabases(await kernel(kind), {
    settings: SEES_ALL,
    keeps: [HIDDEN],
    prepare: (database) => disguise(database, kind, deadlockDetector),
    restore: forgetTables(kind),
  })
}

const kernels = new Map<GreenplumKind, Promise<PostgresServer>>()

function kernel(kind: GreenplumKind): Promise<PostgresServer> {
  const server = kernels.get(kind) ?? startPostgres({ ...UNSYNCED, ...DISGUISABLE }, KERNELS[kind].postgres)
  kernels.set(kind, server)
  return server
}

/** What the kernel gets in place of a statement: without DISTRIBUTED, with its names of the settings; or a syntax error. */
function statementForKernel(
  kind: GreenplumKind,
  text: string,
  tables: Distributions,
  refuse: (what: string) => void,
): string {
  const statements = statementsOf(text)
  for (const statement of statements) {
    for (const what of refusals(kind, statement, tables)) {
      refuse(what)
      return `"Greenplum ${kind} refuses ${what.replaceAll('"', "'")}"`
    }
    const made = createTable(statement) ?? setDistributed(statement)
    if (made?.distribution != null) tables.set(made.name, made.distribution)
  }
  const cuts = statements.flatMap((statement) => [
    ...withoutDistribution(statement),
    ...newDistribution(statement),
    ...withoutStorage(statement),
    ...settingNames(statement),
  ])
  return cuts
    .toSorted((one, other) => other.start - one.start)
    .reduce((sql, { start, end, by }) => sql.slice(0, start) + by + sql.slice(end), text)
}

/** A part of a statement, and what stands there instead. */
interface Cut {
  readonly start: number
  readonly end: number
  readonly by: string
}

function withoutDistribution(statement: readonly Token[]): Cut[] {
  const clause = createTable(statement)?.clause
  return clause == null ? [] : [{ start: clause[0], end: clause[1], by: '' }]
}

/** ALTER TABLE … SET DISTRIBUTED, which the catalogue of the stand-in is told of. */
function newDistribution(statement: readonly Token[]): Cut[] {
  const change = setDistributed(statement)
  if (change === null) return []
  return [{ start: statement[0]!.start, end: statement.at(-1)!.end, by: distribute(change.name, change.distribution) }]
}

/** `appendonly = false,` at the head of what WITH says of a table. */
function withoutStorage(statement: readonly Token[]): Cut[] {
  return statement.flatMap(({ kind, value, start }, i) => {
    const isOption = kind === 'word' && value === 'appendonly' && statement[i + 3]?.value === ','
    return isOption ? [{ start, end: statement[i + 3]!.end, by: '' }] : []
  })
}

/** Settings that Greenplum has of its own, or answers in its own way. */
const SETTING = /^(?:gp_\w+|optimizer(?:_\w+)?|statement_mem|server_version(?:_num)?)$/

function settingNames(statement: readonly Token[]): Cut[] {
  const [first, second] = statement
  if (first?.value === 'show' && SETTING.test(second?.value ?? '')) {
    const name = second!.value
    return [{ start: first.start, end: second!.end, by: `SELECT current_setting('greenplum.${name}') AS ${name}` }]
  }
  const isCommand = first?.value === 'set' || first?.value === 'reset'
  return statement.flatMap(({ kind, value, start, end }, i) => {
    if (!SETTING.test(value)) return []
    if (kind === 'word' && isCommand) return [{ start, end, by: `greenplum.${value}` }]
    const isArgument = kind === 'text' && /^(?:current_setting|set_config)$/.test(statement[i - 2]?.value ?? '')
    return isArgument ? [{ start, end, by: `'greenplum.${value}'` }] : []
  })
}

function startupForKernel(kind: GreenplumKind, name: string, value: string): readonly [string, string] {
  // A name that no server knows: it says so, and ends the connection.
  if (kind === '6' && NEWER_SETTING.test(name)) return [`of Greenplum 6 would be ${name}`, value]
  if (name !== 'options') return [name, value]
  return [name, value.replace(/(?<=-c\s*|--)(?=(?:gp_\w+|optimizer\w*|statement_mem)=)/g, 'greenplum.')]
}
