import type { Decoded, RawRecord } from '../change.ts'

/**
 * Turns a record into what it says: changes, or a named skip.
 * Pure: no input or output, no clock, nothing remembered between calls.
 *
 * @throws RelayError DECODE_…, without place: the caller knows where the record stood
 */
export type Decoder = (record: RawRecord) => readonly Decoded[]
