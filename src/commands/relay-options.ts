import type { BatchLimits } from '../batch.ts'
import type { RelayOptions } from '../open-relay.ts'
import { defaultDeletes } from '../sinks/by-url.ts'
import { route } from '../stages/route.ts'
import type { RunConfig } from './run-schema.ts'
import { declaredKey, declaredTypes } from './table-options.ts'

/** What the operator says of a relay beside its parts. */
export function relayOptions(config: RunConfig) {
  return {
    formats: {
      format: config.format,
      binary: config.dynamodbBinary,
      beforeImageField: config.beforeImageField,
      beforeImagePrefix: config.beforeImagePrefix,
    },
    stages: [route({ ...config, ignoreDeletes: deletesOf(config) === 'ignore' })],
    ...(config.start && { start: config.start.start, startText: config.start.text }),
    settings: settingsOf(config),
    wanted: { include: config.include, exclude: config.exclude },
    forgetsGaps: config.onGap === 'continue',
    takeOver: config.takeOver,
    onError: config.onError,
    ...(config.maxDeadLetters && { maxDeadLetters: config.maxDeadLetters }),
    ...(config.onTableTrouble === 'park' && { parkLimit: config.parkLimit }),
    onRefusedText: config.nul,
    tables: {
      declaredKey: declaredKey(config.key),
      declaredTypes: declaredTypes(config.type),
      missingColumns: config.missingColumns,
      keyWaitMs: config.keyWait,
    },
    limits: limitsOf(config),
  } satisfies Partial<RelayOptions>
}

/** Only what was given: a target may want batches of another size than the usual one. */
const limitsOf = ({
  batchRecords: records,
  batchBytes: bytes,
  batchWait: waitMs,
}: RunConfig): Partial<BatchLimits> => ({
  ...(records !== undefined && { records }),
  ...(bytes !== undefined && { bytes }),
  ...(waitMs !== undefined && { waitMs }),
})

/**
 * What the target was written with; what was not given, or is given as the default, is empty. A difference ends a run, or is each table's own:
 * see `claimedSettings`.
 * `--key` and `--type` are not among it, for a relay that stopped, since it does not know a key, asks for them;
 * a target table with another primary key says so itself. `--on-reload` only speaks of reloads to come.
 */
function settingsOf(config: RunConfig): Record<string, string> {
  return {
    mode: config.mode,
    layout: config.layout ?? '',
    deletes: deletesOf(config),
    table: config.table.map(({ from, to }) => `${from}=${to}`).join(' '),
    include: config.include.join(' '),
    exclude: config.exclude.join(' '),
    'missing-columns': config.missingColumns === 'auto' ? '' : config.missingColumns,
  }
}

const deletesOf = ({ deletes, sink }: RunConfig) => deletes ?? defaultDeletes(sink)
