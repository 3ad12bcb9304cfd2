import type { SinkEntry } from '../../entry.ts'
import { POSTGRESQL } from '../postgresql/entry.ts'

/** Reached as PostgreSQL is. */
export const GREENPLUM: SinkEntry = {
  ...POSTGRESQL,
  usage: 'greenplum://USER@HOST/DATABASE[?schema=NAME]',
  examples: [['greenplum://app@coordinator/warehouse', 'Greenplum 6 and 7, Cloudberry']],
}
