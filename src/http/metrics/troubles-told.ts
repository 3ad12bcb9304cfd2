import { CappedLabels } from './capped-labels.ts'
import { labelled, type Sampled, single } from './sampled.ts'
import type { Told } from './told.ts'

/** So many parked tables have samples of their own. */
const MOST_TABLES = 200

/** What is wrong now, and was. */
export function troublesOf({ ledger, meter, troubles, idleMs, checks, letters }: Told): readonly Sampled[] {
  const tables = new CappedLabels(MOST_TABLES)
  const failing = (code: string): number => troubles.now().filter((trouble) => trouble.code === code).length
  return [
    labelled(
      'counter',
      'cdc_relay_failed_attempts_total',
      ['code'],
      'Attempts that failed and are followed by another one.',
      () => Array.from(troubles.attempts, ([code, count]) => [count, code] as const),
    ),
    labelled(
      'gauge',
      'cdc_relay_failing',
      ['code'],
      'Works that fail now and are tried again; 0 once they succeeded.',
      () => Array.from(troubles.attempts.keys(), (code) => [failing(code), code] as const),
    ),
    single('gauge', 'cdc_relay_ready', '1 if all checks of /health/ready are well.', () =>
      checks().every(({ isOk }) => isOk) ? 1 : 0,
    ),
    labelled('gauge', 'cdc_relay_check_ok', ['check'], 'Each check of /health/ready: 1 if it is well.', () =>
      checks().map(({ name, isOk }) => [isOk ? 1 : 0, name] as const),
    ),
    single(
      'gauge',
      'cdc_relay_idle_seconds',
      'How long nothing came of work that is there; 0 if there is none.',
      () => idleMs() / 1000,
    ),
    single(
      'counter',
      'cdc_relay_rewinds_total',
      'How often the target was found at older positions, and the relay read again from there.',
      () => meter.rewinds,
    ),
    single(
      'gauge',
      'cdc_relay_tables_without_key',
      'Tables whose rows wait for their key.',
      () => meter.tablesWithoutKey.size,
    ),
    single('gauge', 'cdc_relay_parked_tables', 'Tables that cannot be written.', () => ledger.parkedTables.size),
    labelled('gauge', 'cdc_relay_parked_changes', ['table'], 'Dead letters that are kept of a parked table.', () => {
      tables.retain(new Set(ledger.parkedTables.keys()))
      return Array.from(ledger.parkedTables, ([table, count]) => [count, tables.of(table)] as const)
    }),
    labelled(
      'gauge',
      'cdc_relay_kept_dead_letters',
      ['code'],
      'Dead letters of all runs that were neither written again nor discarded, as of the last count.',
      () => (letters()?.kinds ?? []).map(({ code, count }) => [count, code] as const),
    ),
  ]
}
