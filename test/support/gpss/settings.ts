import type { Call } from './audit.ts'

/**
 * How the server behaves. The defaults are the documents' word, and where they are silent the stricter reading; every
 * switch is something that a real server may do, or that may happen to it.
 */
export interface GpssSettings {
  /** Default 127.0.0.1. */
  readonly host?: string
  /** Default: any free one. A restart keeps it. */
  readonly port?: number
  /** Without it the server speaks plaintext. */
  readonly tls?: TlsSettings
  /** A longer message is refused with grpc-go's text. Default 4 MiB, grpc-go's own. */
  readonly maxReceiveBytes?: number
  /** Milliseconds; the clock of the idle timeout. With a clock of the test's own nothing expires between two calls. */
  readonly now?: () => number
  /** What happens to a call at a moment of its life. Asked at every moment of every call. */
  readonly fault?: (at: { readonly call: Call; readonly moment: Moment }) => Fault | undefined

  /** Sessions that name no SessionTimeout, or 0. Default 0: they never expire. */
  readonly defaultSessionTimeoutSeconds?: number
  /** Does the idle timeout release a session in the middle of its load? Default true. */
  readonly openLoadsExpire?: boolean
  /** The answer to an unknown or expired session. Default: INTERNAL `session not found`. */
  readonly unknownSession?: { readonly code: number; readonly message: string }
  /** Disconnect of an unknown session. Default `error`. */
  readonly disconnectUnknown?: 'error' | 'ok'
  /** A call while another one of the same session is running. Default `refuse`. Disconnect always passes. */
  readonly overlap?: 'refuse' | 'queue'

  /** The server is older than 1.10: SessionTimeout, MaxErrorRows and Abort are unknown fields. Default false. */
  readonly before110?: boolean
  /** Abort alone is not known: such a Close commits. Default false. */
  readonly abortIgnored?: boolean
  /** Names are not quoted but folded to lower case, as PostgreSQL does with bare ones. Default false. */
  readonly foldNames?: boolean
  /** Where PreSQL and PostSQL run: in the load's transaction, or in their own before or after it. Default `inside`. */
  readonly preSql?: Placement
  readonly postSql?: Placement

  /** Which of several rows with the same match columns a merge takes; never the last. Default `first`. */
  readonly duplicates?: 'first' | 'strict' | { readonly randomSeed: number }
  /** SuccessCount of a merge or update. Default `staged`: the rows that came. */
  readonly mergeSuccessCount?: 'staged' | 'affected' | 'zero'
  /** Values must have the documented DBValue member of their column, or be text. Default true. */
  readonly strictTypes?: boolean
  /** When a value that does not fit its column is told. Constraints are checked at Close in any case. Default `write`. */
  readonly dataErrors?: 'write' | 'close'
  /** What a failed Write does to the rows before it; when kept, a Close without Abort commits them. Default `roll back`. */
  readonly failedWrite?: 'roll back' | 'keep'
  /** The answer of Close, without Abort, to a load that was rolled back. Default `zeros`: OK, and nothing loaded. */
  readonly closeOfFailedLoad?: 'zeros' | 'error'
  /** Open and Close without a Write between them. Default `accept`. */
  readonly emptyLoads?: 'accept' | 'refuse'
  /** Insert and Merge without InsertColumns. `all` takes the table's columns in order. Default `refuse`. */
  readonly emptyInsertColumns?: 'refuse' | 'all'
  /** The values of an Update load: MatchColumns, then UpdateColumns, or the table's columns. Default `match first`. */
  readonly updateValues?: 'match first' | 'all columns'
  /** A second open load into the same table of the same database. Default `allow`, with PostgreSQL's own locks. */
  readonly concurrentLoads?: 'allow' | 'refuse' | { readonly refuseWith: string }

  /** Segments that count their bad rows each for themselves; rows go round. Default 1. */
  readonly segments?: number
  /** An error percentage is looked at after so many rows of a segment. Default 300, as Greenplum's. */
  readonly rejectPercentThreshold?: number
  /** Which error limit counts when both are set. Default `count`. */
  readonly bothLimits?: 'count' | 'percentage'
  /** Greenplum's own rules, and its ` (seg0 slice1 …)` behind data errors. Default: none of them. */
  readonly greenplum?: {
    /** Columns by `schema.table`: never to be updated, and part of every primary key. */
    readonly distributionKeys: ReadonlyMap<string, readonly string[]>
  }

  /** How DescribeTable spells types: `int4`, `INT4` or `integer`. Default `internal`. */
  readonly databaseType?: 'internal' | 'upper' | 'sql'
  /** DescribeTable of a table that is not there. Default `error`. */
  readonly describeMissing?: 'error' | 'empty'
}

/** PEM. */
export interface TlsSettings {
  readonly certificate: string
  readonly key: string
  /** With it, clients must show a certificate of this authority. */
  readonly clientAuthority?: string
}

export type Placement = 'inside' | 'inside twice' | 'outside' | 'outside twice'

/**
 * `start`: nothing is done yet. `before commit`, `after commit`: of a Close that commits; the latter is before a PostSQL
 * outside of the transaction. `end`: all is done but the answer.
 */
export type Moment = 'start' | 'before commit' | 'after commit' | 'end'

export type Fault =
  /** The call ends so. A Write's load fails with it, unless the code is UNAVAILABLE: that is the network's word. */
  | { readonly kind: 'error'; readonly code?: number; readonly message: string }
  /** The client's connection is reset; the session stays. At `start` the call is lost, too; later only its answer. */
  | { readonly kind: 'reset' }
  /** No answer, ever. */
  | { readonly kind: 'hang' }
  | { readonly kind: 'delay'; readonly milliseconds: number }
  /** The session is rolled back and forgotten; the call goes on without it. */
  | { readonly kind: 'forget session' }
  /** The server is gone: connections reset, loads rolled back, sessions forgotten, the port closed until `restart()`. */
  | { readonly kind: 'die' }
  /** As `die`, but at once there again. */
  | { readonly kind: 'restart' }
