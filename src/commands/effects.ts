import type { AwsSetting } from '../aws/address.ts'
import { sourceEntry } from '../ingest/by-url.ts'
import { sinkEntry, sinkSchemes } from '../sinks/by-url.ts'
import type { SinkEntry } from '../sinks/entry.ts'
import { stateEntry } from '../state/by-url.ts'
import { isCrate } from './crate-objects.ts'
import { isLook } from './open-store.ts'
import type { RunOption } from './run-options.ts'
import type { RunConfig } from './run-schema.ts'
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
const usesState = (config: RunConfig): boolean => needsStore(config) && config.source !== 'file:-'
/** Which settings of AWS the addresses leave to the options. */
function commonAws(config: RunConfig): readonly AwsSetting[] {
  const { source, sink, state } = config
  const ofState = state !== undefined && usesState(config) ? stateEntry(STATE_STORES, state)!.commonAws(state) : []
  const ofSink = sinkEntry(sink)!.commonAws?.(sink) ?? []
  return [...sourceEntry(source).commonAws(source), ...ofSink, ...ofState]
}
/** Schemes of the sinks that are like this, in words. */
const schemes = (isSuch: (entry: SinkEntry) => boolean): string =>
  sinkSchemes(isSuch)
    .map((scheme) => `${scheme}:`)
    .join(' and ')
const WITHOUT_STATE = `${schemes(({ keepsState }) => !keepsState)} sinks`
const mayBeDms = ({ format }: RunConfig): boolean => format !== 'dynamodb'
const mayBeDynamodb = ({ format }: RunConfig): boolean => format !== 'dms'

const OF_DMS: Effect = { when: mayBeDms, only: 'it is for records of DMS' }
const OF_DYNAMODB: Effect = { when: mayBeDynamodb, only: 'it is for records of DynamoDB' }
const OF_STREAMS: Effect = { when: isStream, only: 'it is for Kinesis streams; a file is read to its end' }
const ofAws = (option: AwsSetting, what: string): Effect => ({
  when: (config) => commonAws(config).includes(option),
  only: `nothing of AWS is asked, or each address has ${what} of its own`,
})
const OF_TABLES: Effect = {
  when: writesTables,
  only: `a ${schemes(({ writes }) => writes === 'records')} sink writes the change records as they come`,
}
const OF_MIRRORS: Effect = { when: isMirror, only: 'it is for mirrored tables' }

/** What stands nowhere here has always an effect. */
const EFFECTS: Partial<Readonly<Record<RunOption, Effect>>> = {
  'until-latest': OF_STREAMS,
  'on-gap': {
    when: (config) => OF_STREAMS.when(config) || isMirror(config),
    only: 'it is for streams, and for mirrored tables that were left out for a while',
  },
  'poll-interval': {
    when: (config) => isStream(config) && !config.untilLatest,
    only: 'it is for Kinesis streams that are read on once they are caught up',
  },
  region: ofAws('region', 'a region'),
  profile: ofAws('profile', 'credentials'),
  'role-arn': ofAws('role-arn', 'credentials'),
  'external-id': ofAws('external-id', 'credentials'),
  'endpoint-url': { ...ofAws('endpoint-url', 'an endpoint'), only: 'it is for Kinesis streams whose address has none' },

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
  http: { when: ({ dryRun }) => !dryRun, only: 'there is nothing to watch in a run that writes nothing' },
  'crate-objects': { when: ({ sink }) => isCrate(sink), only: 'it is for CrateDB' },

  'stall-timeout': {
    when: ({ sink }) => sinkEntry(sink)!.isStandardOutput?.(sink) !== true,
    only: 'who reads standard output may take as long as they like',
  },
  'take-over': {
    when: (config) => !needsStore(config) || (config.source !== 'file:-' && !isLook(config)),
    only: 'nothing is kept under a name',
  },
  state: {
    when: usesState,
    only: `it is for ${WITHOUT_STATE}, and not for standard input; a database keeps the state itself, in its schema cdc_relay`,
  },
  'max-dead-letters': {
    when: ({ onError }) => onError !== 'stop',
    only: 'with --on-error stop the first bad record ends the relay',
  },
  'on-table-trouble': OF_TABLES,
  'park-limit': {
    when: (config) => writesTables(config) && config.onTableTrouble === 'park',
    only: 'no table is parked',
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
