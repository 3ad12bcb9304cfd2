import type { AwsSetting } from '../aws/address.ts'
import type { AwsOptions } from '../aws/client-settings.ts'
import type { Env } from '../env.ts'
import type { StateStore } from '../state/store.ts'
import type { LetterStore } from './letter-store.ts'
import type { Preview } from './preview.ts'
import type { Sink } from './sink.ts'
import type { TargetRules } from './tables/rules.ts'

/** What the operator says about a target; times in ms. */
export interface SinkSettings
  extends Pick<TargetRules, 'mode' | 'createTables' | 'onSchemaChange' | 'onReload' | 'onError'> {
  readonly sink: string
  readonly sinkPasswordFile?: string | undefined
  readonly layout?: TargetRules['layout'] | undefined
  /** Absent: hard where the target can, else soft. */
  readonly deletes?: 'hard' | 'soft' | 'ignore' | undefined
  readonly tombstoneTtl?: number | undefined
  /** `file:PATH`, of a sink that keeps none itself. */
  readonly deadLetters?: string | undefined
}

/** What sinks must know beside it. */
export interface SinkSurroundings extends Pick<TargetRules, 'routes' | 'declaredTypes' | 'log'> {
  /** The relay's. */
  readonly name: string
  /** How long the stream keeps a record; null for a file. */
  readonly retentionMs: number | null
  /** For a sink that keeps no state itself. Resolves to null where nothing is to be remembered. */
  readonly openStore: () => Promise<StateStore | null>
  /** How AWS is reached, unless the address of the target says it. */
  readonly aws: AwsOptions
  readonly env: Env
}

/** Whose dead letters, and where they are kept. */
export interface LetterPlace extends Pick<SinkSettings, 'sink' | 'sinkPasswordFile' | 'deadLetters'> {
  /** The relay's. */
  readonly name: string
  /** True to let letters go, too. */
  readonly writes: boolean
  readonly env: Env
}

/** A kind of target: a line in the table of by-url.ts. Light to load: `open` imports what it needs. */
export interface SinkEntry {
  /** How its URL is written, for `--help`. */
  readonly usage: string
  /** As it is typed in a shell, and what it is, for `--help`. Each is a URL that `problem` finds nothing wrong with. */
  readonly examples: readonly (readonly [url: string, what: string])[]

  /** What it can make of deleted rows, the default first. */
  readonly deletes: readonly ('hard' | 'soft')[]
  /** Whether it writes rows of tables, or the change records as they come. */
  readonly writes: 'tables' | 'records'
  /** Whether what `--mode append` writes has a key that keeps a record from being there twice. */
  readonly log: 'keyed' | 'may be keyed' | 'without key'
  /** True if positions and dead letters lie in the target. */
  readonly keepsState: boolean
  /** True if one process has it open at a time, and once. */
  readonly opensOnce?: true
  /** True if `--sink-password-file` says something to it. */
  readonly takesPassword: boolean
  /** True if `cdc-relay check` has checks for it. */
  readonly isChecked: boolean
  /** Variables of the environment that begin with CDC_RELAY_ and are no options. */
  readonly variables?: readonly string[]
  /** True if the changes go to standard output, which then holds nothing else; absent: never. */
  isStandardOutput?(url: string): boolean

  /** The AWS settings that it takes from the options, for its URL does not say them; absent: it asks nothing of AWS. */
  commonAws?(url: string): readonly AwsSetting[]
  /** What is wrong with a URL, all of it and without a password; null if nothing. */
  problem(url: string, env: Env): string | null
  /** What must not be seen in a log or a message. */
  secrets(url: string, env: Env): readonly string[]
  /**
   * Opens the state that lies in the target, and nothing else of it; absent where `keepsState` is false. Makes nothing.
   * @param settings as for `open`. @throws RelayError CONFIGURATION, SINK_…, STATE_HELD
   */
  openState?(settings: Pick<SinkSettings, 'sink' | 'sinkPasswordFile'>, env: Env): Promise<StateStore>
  /**
   * Opens the dead letters of a relay that writes to it. Makes nothing that is missing.
   * @throws RelayError CONFIGURATION where none are kept
   */
  openLetters(place: LetterPlace): Promise<LetterStore>
  /** Opens it to see what a run would do, with the same settings as for `open`; in words, why that cannot be seen. */
  readonly openPreview: ((settings: SinkSettings, surroundings: SinkSurroundings) => Promise<Preview>) | string
  /** @param settings with a URL that `problem` finds nothing wrong with. @throws RelayError CONFIGURATION */
  open(settings: SinkSettings, surroundings: SinkSurroundings): Promise<Sink>
}
