import { type Change, compareDecimal } from '../change.ts'

/** Key → the change of that key that stands so far. */
export type Standing = Map<string, Change>

/**
 * Of the changes of each key lets one stand: the greatest version, among equal versions the later arrival.
 * The others are superseded. For complete images and deletes only: a partial image needs what it is laid over.
 *
 * @param standing what stands of the changes that arrived before; is filled
 * @param changes of one table, in order of arrival
 * @param keyText equal for two changes exactly if the target takes their keys for one
 */
export function fold(standing: Standing, changes: readonly Change[], keyText: (change: Change) => string): void {
  for (const change of changes) {
    const key = keyText(change)
    const other = standing.get(key)
    if (other === undefined || compareDecimal(change.version, other.version) >= 0) standing.set(key, change)
  }
}
