import { sourceEntry } from '../ingest/by-url.ts'
import { SINK_KINDS, sinkEntry } from '../sinks/by-url.ts'
import type { SinkEntry } from '../sinks/entry.ts'
import { stateEntry } from '../state/by-url.ts'
import { isLook } from './open-store.ts'
import type { RunConfig } from './run-schema.ts'
import type { RunOption } from './run-options.ts'
import { STATE_STORES } from './state-stores.ts'

/** When an option does something, and the words for it. */
interface Effect {
  readonly when: (config: RunConfig) => boolean
  readonly only: string
}

const writesTables = ({ sink }: RunConfig): boolean => sinkEntry(sink)!.writes === 'tables'
const isStream = ({ source }: RunConfig): boolean => sourceEntry(source).isStream
const isMirror = (config: RunConfig): boolean => config.mode === 'mirror' && writesTables(config)
/** Of a sink that keeps none itself. */
const needsStore = ({ sink }: RunConfig): boolean => !sinkEntry(sink)!.keepsState
const asksAws = (config: RunConfig): boolean =>
  sourceEntry(config.source).asksAws ||
  (needsStore(config) && config.state !== undefined && stateEntry(STATE_STORES, config.state)!.asksAws)
/** Schemes of the sinks that are like this, in words. */
const schemes = (isSuch: (entry: SinkEntry) => boolean): string =>
  SINK_KINDS.filter(([, entry]) => isSuch(entry))
    .map(([scheme]) => `${scheme}:`)
    .join(' and ')
const WITHOUT_STATE = `${schemes(({ keepsState }) => !keepsState)} sinks`
const mayBeDms = ({ format }: RunConfig): boolean => format !== 'dynamodb'
const mayBeDynamodb = ({ format }: RunConfig): boolean => format !== 'dms'

const OF_DMS: Effect = { when: mayBeDms, only: 'it is for records of DMS' }
const OF_DYNAMODB: Effect = { when: mayBeDynamodb, only: 'it is for records of DynamoDB' }
const OF_STREAMS: Effect = { when: isStream, only: 'it is for Kinesis streams; a file is read to its end' }
const OF_AWS: Effect = { when: asksAws, only: 'nothing of AWS is asked' }
const OF_TABLES: Effect = {
  when: writesTables,
  only: `a ${schemes(({ writes }) => writes === 'records')} sink writes the change records as they come`,
}
const OF_MIRRORS: Effect = { when: isMirror, only: 'it is for mirrored tables' }

/** What stands nowhere here has always an effect. */
const EFFECTS: Partial<Readonly<Record<RunOption, Effect>>> = {
  'until-latest': OF_STREAMS,
  'on-gap': OF_STREAMS,
  region: OF_AWS,
  profile: OF_AWS,
  'role-arn': OF_AWS,
  'external-id': OF_AWS,
  'endpoint-url': { when: isStream, only: 'it is for Kinesis streams' },

  key: OF_DMS,
  'key-wait': { when: (config) => mayBeDms(config) && isMirror(config), only: 'it is for mirrored tables of DMS' },
  'missing-columns': OF_DMS,
  'before-image-field': OF_DMS,
  'before-image-prefix': OF_DMS,
  'on-reload': { when: (config) => mayBeDms(config) && isMirror(config), only: 'it is for mirrored tables of DMS' },
  'dynamodb-binary': OF_DYNAMODB,
  expired: OF_DYNAMODB,

  'sink-password-file': {
    when: ({ sink }) => sinkEntry(sink)!.takesPassword,
    only: 'this sink takes no password',
  },

  table: OF_TABLES,
  mode: OF_TABLES,
  'create-tables': OF_TABLES,
  nul: OF_TABLES,
  layout: OF_MIRRORS,
  'on-schema-change': OF_MIRRORS,
  deletes: {
    when: (config) => isMirror(config) || config.deletes === 'ignore',
    only: 'where each change is a row of its own, only ignore says something',
  },
  'tombstone-ttl': {
    when: (config) => isMirror(config) && !needsStore(config),
    only: 'it is for mirrored tables that the relay writes by SQL',
  },
  'crate-objects': { when: ({ sink }) => sink.startsWith('crate:'), only: 'it is for CrateDB' },

  'take-over': {
    when: (config) => !needsStore(config) || (config.source !== 'file:-' && !isLook(config)),
    only: 'nothing is kept under a name',
  },
  state: {
    when: (config) => needsStore(config) && config.source !== 'file:-',
    only: `it is for ${WITHOUT_STATE}, and not for standard input; a database keeps the state itself, in its schema cdc_relay`,
  },
  'dead-letters': {
    when: needsStore,
    only: `it is for ${WITHOUT_STATE}; a database keeps dead letters itself, in cdc_relay.dead_letters`,
  },
}

/** Why an option that was given does nothing; null if it does something. */
export function missingEffect(option: RunOption, config: RunConfig): string | null {
  const effect = EFFECTS[option]
  return effect === undefined || effect.when(config) ? null : `has no effect here: ${effect.only}`
}
