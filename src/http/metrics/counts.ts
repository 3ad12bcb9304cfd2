import { CappedLabels } from './capped-labels.ts'
import { labelled, type Sampled, single } from './sampled.ts'
import type { Told } from './told.ts'

/** So many tables have samples of their own. */
const MOST_TABLES = 200

/** What became of what was read: the numbers of the summary. */
export function countsOf({ ledger, meter }: Told): readonly Sampled[] {
  const tables = new CappedLabels(MOST_TABLES)
  const ofTables = (count: 'applied' | 'superseded') => () =>
    Array.from(ledger.tables, ([table, counts]) => [counts[count], tables.of(table)] as const)
  return [
    single(
      'counter',
      'cdc_relay_received_records_total',
      'Records that the source gave, repeats among them.',
      () => meter.received,
    ),
    single(
      'counter',
      'cdc_relay_read_changes_total',
      'Changes, schema changes, skips and dead letters that are committed: the applied, superseded, skipped and dead-lettered ones together.',
      () => ledger.readCount,
    ),
    labelled(
      'counter',
      'cdc_relay_applied_changes_total',
      ['table'],
      'Changes that the target took.',
      ofTables('applied'),
    ),
    labelled(
      'counter',
      'cdc_relay_superseded_changes_total',
      ['table'],
      'Changes for which the target, or the same batch, held something newer.',
      ofTables('superseded'),
    ),
    labelled('counter', 'cdc_relay_skipped_changes_total', ['reason'], 'Changes that were left out.', () =>
      Array.from(ledger.skips, ([reason, count]) => [count, reason] as const),
    ),
    labelled(
      'counter',
      'cdc_relay_dead_lettered_changes_total',
      ['code', 'table'],
      'Changes and records that became dead letters; without a table where the record could not be read.',
      () =>
        Array.from(meter.letters).flatMap(([table, codes]) =>
          Array.from(codes, ([code, count]) => [count, code, table === '' ? '' : tables.of(table)] as const),
        ),
    ),
    labelled(
      'counter',
      'cdc_relay_values_set_aside_total',
      ['table'],
      'Values that their columns cannot hold, in cdc_extra.',
      () =>
        Array.from(ledger.setAside).flatMap(([table, columns]) =>
          Array.from(columns.values(), ({ count }) => [count, tables.of(table)] as const),
        ),
    ),
    single(
      'counter',
      'cdc_relay_replaced_texts_total',
      'Changes in whose text U+0000 was replaced.',
      () => ledger.replacedTexts,
    ),
    labelled(
      'counter',
      'cdc_relay_records_as_objects_total',
      ['reason'],
      'Records that could not be read as bytes, at more cost.',
      () => Array.from(ledger.asObjects, ([reason, count]) => [count, reason] as const),
    ),
  ]
}
