import { closing, isMark, isName, listed, shapeOf, type Token } from '../sql-tokens.ts'
import { createTable, type Distributions, distributionColumns, firstNames, nameAt } from './tables.ts'

export type GreenplumKind = '6' | '7' | 'cloudberry'

/** One thing that a statement must not do. */
interface Rule {
  readonly what: string
  readonly kinds: readonly GreenplumKind[]
  readonly breaks: (statement: readonly Token[], shape: string, tables: Distributions) => boolean
}

const ALL: readonly GreenplumKind[] = ['6', '7', 'cloudberry']
const SIX: readonly GreenplumKind[] = ['6']

/**
 * What Greenplum refuses, or does otherwise than the relay needs, and PostgreSQL does not mind. What only the kernel of
 * Greenplum 6 lacks as function, operator or type is not here: `greenplum-kernel.ts` hides it.
 *
 * @see Greenplum Database documentation, "CREATE TABLE", "INSERT", "WITH Queries"; release notes of PostgreSQL 9.5, 9.6, 10
 */
const RULES: readonly Rule[] = [
  rule('MERGE', ALL, /\bMERGE INTO /),
  rule('a data-modifying WITH', ALL, /\bAS (?:(?:NOT )?MATERIALIZED )?\( (?:INSERT|UPDATE|DELETE|MERGE) /),
  rule('SERIALIZABLE, which is quietly less', ALL, /\bSERIALIZABLE\b/),
  rule('a foreign key, which is not enforced', ALL, /\bREFERENCES\b|\bFOREIGN KEY\b/),
  rule('CREATE TRIGGER', ALL, /^CREATE (?:OR REPLACE )?(?:CONSTRAINT )?(?:EVENT )?TRIGGER /),
  rule('a subquery inside of DO UPDATE', ALL, /\bDO UPDATE SET .*\( (?:SELECT|WITH) /),
  // Rows that an immutable function makes count as being everywhere: the whole other table is gathered in one process.
  rule(
    'a function before NOT EXISTS or LEFT JOIN',
    ALL,
    /\bFROM JSONB_ARRAY_ELEMENTS \(.*\b(?:NOT EXISTS|LEFT JOIN)\b/,
  ),
  { what: 'a key column in SET of DO UPDATE', kinds: ALL, breaks: setsKey },
  { what: 'a unique index that lacks a distribution column', kinds: ALL, breaks: isUniqueElsewhere },
  { what: 'a cluster-wide setting in a session', kinds: ALL, breaks: setsClusterWide },

  { what: 'UPDATE of a distribution column', kinds: SIX, breaks: movesRow },
  { what: 'a column or view of the catalogue that is newer than 9.4', kinds: SIX, breaks: readsNewerCatalogue },
  { what: 'to_regclass(text), in 9.4 it takes cstring', kinds: SIX, breaks: namesClassByText },
  rule('ON CONFLICT', SIX, /\bON CONFLICT\b/),
  rule('ADD COLUMN IF NOT EXISTS', SIX, /\bADD (?:COLUMN )?IF NOT EXISTS\b/),
  rule(
    'CREATE INDEX, SEQUENCE or MATERIALIZED VIEW IF NOT EXISTS',
    SIX,
    /^CREATE (?:UNIQUE )?(?:TEMP |TEMPORARY )?(?:INDEX|SEQUENCE|MATERIALIZED VIEW) (?:CONCURRENTLY )?IF NOT EXISTS\b/,
  ),
  rule('AS MATERIALIZED', SIX, /\bAS (?:NOT )?MATERIALIZED \(/),
  rule('an identity column', SIX, /\bGENERATED (?:ALWAYS|BY DEFAULT)\b|\bOVERRIDING (?:SYSTEM|USER) VALUE\b/),
  rule('SKIP LOCKED', SIX, /\bSKIP LOCKED\b/),
  rule('TABLESAMPLE', SIX, /\bTABLESAMPLE\b/),
  rule('SET of several columns by a subquery or ROW', SIX, /\bSET \( [^)]*\) = (?:ROW|\( SELECT)\b/),
  rule('arguments named by =>, in 9.4 by :=', SIX, / => /),
  rule('PARTITION BY as PostgreSQL has it', SIX, /^CREATE .*TABLE .*\bPARTITION (?:BY (?:RANGE|LIST|HASH) |OF )/),
  rule('SET LOGGED', SIX, /^ALTER TABLE .*\bSET (?:UN)?LOGGED\b/),
  rule('row security', SIX, /\bROW LEVEL SECURITY\b|^CREATE POLICY\b/),
  rule('CREATE STATISTICS', SIX, /^CREATE STATISTICS\b/),
  { what: 'a setting that is newer than 9.4', kinds: SIX, breaks: (statement) => statement.some(isNewerSetting) },
]

function rule(what: string, kinds: readonly GreenplumKind[], pattern: RegExp): Rule {
  return { what, kinds, breaks: (_, shape) => pattern.test(shape) }
}

/**
 * What a statement uses that this Greenplum refuses, in words; empty if nothing.
 * @param tables of what is known of the tables it names
 */
export function refusals(
  kind: GreenplumKind,
  statement: readonly Token[],
  tables: Distributions = new Map(),
): string[] {
  const shape = shapeOf(statement)
  const broken = RULES.filter(({ kinds, breaks }) => kinds.includes(kind) && breaks(statement, shape, tables))
  return [...broken.map(({ what }) => what), ...(createTable(statement)?.faults ?? [])]
}

/** Settings of PostgreSQL 9.5 to 10: Greenplum 6 ends a connection that brings one. */
export const NEWER_SETTING =
  /^(?:idle_in_transaction_session_timeout|row_security|force_parallel_mode|gin_pending_list_limit|wal_compression|(?:max|min)_parallel_\w+|parallel_\w+_cost)$/

function isNewerSetting({ kind, value }: Token): boolean {
  return kind !== 'body' && NEWER_SETTING.test(value)
}

/** Distribution columns may not be set, and they are part of every key that a conflict can be about. */
function setsKey(statement: readonly Token[], _shape: string, tables: Distributions): boolean {
  const inserts = indexOfWords(statement, 'insert', 'into')
  const conflict = indexOfWords(statement, 'on', 'conflict')
  const sets = indexOfWords(statement, 'do', 'update', 'set')
  if (conflict === -1 || sets === -1) return false
  const target = isMark(statement[conflict + 2], '(')
    ? firstNames(statement.slice(conflict + 3, closing(statement, conflict + 2)))
    : []
  const keys = new Set([...target, ...distributionColumns(tables, nameAt(statement, inserts + 2).name)])
  return assigned(statement, sets + 3).some((column) => keys.has(column))
}

/** The Postgres planner of Greenplum 6 cannot move a row to another segment. */
function movesRow(statement: readonly Token[], _shape: string, tables: Distributions): boolean {
  const updates = indexOfWords(statement, 'update')
  if (updates === -1 || isBehind(statement, updates, 'do', 'for', 'key')) return false
  const { name } = nameAt(statement, updates + (statement[updates + 1]?.value === 'only' ? 2 : 1))
  const columns = distributionColumns(tables, name)
  return assigned(statement, indexOfWords(statement, 'set') + 1).some((column) => columns.includes(column))
}

/** The columns to the left of `=`, from behind a SET to its WHERE, FROM or RETURNING. */
function assigned(statement: readonly Token[], start: number): string[] {
  const rest = statement.slice(start)
  let depth = 0
  const end = rest.findIndex(({ kind, value }) => {
    if (kind === 'mark' && value === '(') depth++
    if (kind === 'mark' && value === ')') depth--
    return depth < 0 || (depth === 0 && kind === 'word' && ['where', 'from', 'returning'].includes(value))
  })
  return listed(end === -1 ? rest : rest.slice(0, end)).flatMap((item) =>
    isMark(item[0], '(') ? firstNames(item.slice(1, closing(item, 0))) : isName(item[0]) ? [item[0]!.value] : [],
  )
}

function isUniqueElsewhere(statement: readonly Token[], shape: string, tables: Distributions): boolean {
  if (!shape.startsWith('CREATE UNIQUE INDEX ')) return false
  const on = indexOfWords(statement, 'on')
  const { name, next } = nameAt(statement, on + 1)
  const open = statement.findIndex((token, i) => i >= next && isMark(token, '('))
  const columns = firstNames(statement.slice(open + 1, closing(statement, open)))
  return (
    tables.get(name) === 'randomly' || distributionColumns(tables, name).some((column) => !columns.includes(column))
  )
}

function setsClusterWide(statement: readonly Token[]): boolean {
  const isSet = statement[0]?.value === 'set' || statement.some(({ value }) => value === 'set_config')
  return isSet && statement.some(({ value }) => value === 'gp_enable_global_deadlock_detector')
}

const NEWER_CATALOGUE =
  /^(?:attidentity|attgenerated|attmissingval|collisdeterministic|collprovider|indnkeyatts|indnullsnotdistinct|relispartition|relpartbound|relrowsecurity|conparentid|prokind|proparallel|backend_type|wait_event|wait_event_type|pg_sequence|pg_sequences|pg_policy|pg_policies|pg_partitioned_table|pg_publication|pg_publication_tables|pg_subscription|pg_statistic_ext|pg_init_privs|pg_config|pg_file_settings|pg_hba_file_rules|pg_stat_progress_\w+|pg_stat_ssl|pg_stat_wal_receiver)$/

function readsNewerCatalogue(statement: readonly Token[]): boolean {
  return statement.some((token) => isName(token) && NEWER_CATALOGUE.test(token.value))
}

/** A literal or a parameter takes the type that the function asks for; anything else is text. */
function namesClassByText(statement: readonly Token[]): boolean {
  return statement.some(
    ({ value }, i) =>
      value === 'to_regclass' &&
      !(/^(?:text|parameter)$/.test(statement[i + 2]?.kind ?? '') && isMark(statement[i + 3], ')')),
  )
}

function indexOfWords(statement: readonly Token[], ...words: readonly string[]): number {
  return statement.findIndex((_, i) => words.every((word, j) => isWord(statement[i + j], word)))
}

const isWord = (token: Token | undefined, word: string): boolean => token?.kind === 'word' && token.value === word

const isBehind = (statement: readonly Token[], at: number, ...words: readonly string[]): boolean =>
  words.some((word) => isWord(statement[at - 1], word))
