import { SQL_STORE } from '../sinks/sql/state-entry.ts'
import { STORES, type StateEntries } from '../state/by-url.ts'

/** Scheme → kind of state store: all that `--state` may name. */
export const STATE_STORES: StateEntries = {
  file: STORES.file,
  postgresql: SQL_STORE,
  postgres: SQL_STORE,
  dynamodb: STORES.dynamodb,
}
