import type { RunConfig } from './run-config.ts'
import type { RunOption } from './run-options.ts'

/** When an option does something, and the words for it. */
interface Effect {
  readonly when: (config: RunConfig) => boolean
  readonly only: string
}

const isLines = ({ sink }: RunConfig): boolean => sink.startsWith('jsonl:')
const isStream = ({ source }: RunConfig): boolean => !source.startsWith('file:')
const isMirror = (config: RunConfig): boolean => config.mode === 'mirror' && !isLines(config)
/** Of a sink that keeps none itself. */
const needsStore = ({ sink }: RunConfig): boolean => /^(gpss|jsonl):/.test(sink)
/** A file shown on standard output: nothing of it is remembered. */
const isLook = ({ source, sink, state }: RunConfig): boolean =>
  source.startsWith('file:') && sink === 'jsonl:-' && state === undefined
const asksAws = (config: RunConfig): boolean =>
  isStream(config) || (needsStore(config) && config.state?.startsWith('dynamodb:') === true)
const mayBeDms = ({ format }: RunConfig): boolean => format !== 'dynamodb'
const mayBeDynamodb = ({ format }: RunConfig): boolean => format !== 'dms'

const OF_DMS: Effect = { when: mayBeDms, only: 'it is for records of DMS' }
const OF_DYNAMODB: Effect = { when: mayBeDynamodb, only: 'it is for records of DynamoDB' }
const OF_STREAMS: Effect = { when: isStream, only: 'it is for Kinesis streams; a file is read to its end' }
const OF_AWS: Effect = { when: asksAws, only: 'nothing of AWS is asked' }
const OF_TABLES: Effect = {
  when: (config) => !isLines(config),
  only: 'a jsonl: sink writes the change records as they come',
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
    when: ({ sink }) => /^(postgres(ql)?|greenplum|crate|gpss):/.test(sink),
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
    only: 'it is for gpss: and jsonl: sinks, and not for standard input; a database keeps the state itself, in its schema cdc_relay',
  },
  'dead-letters': {
    when: needsStore,
    only: 'it is for gpss: and jsonl: sinks; a database keeps dead letters itself, in cdc_relay.dead_letters',
  },
}

/** Why an option that was given does nothing; null if it does something. */
export function missingEffect(option: RunOption, config: RunConfig): string | null {
  const effect = EFFECTS[option]
  return effect === undefined || effect.when(config) ? null : `has no effect here: ${effect.only}`
}
