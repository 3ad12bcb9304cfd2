/**
 * The library's face: the parts of the command line program, to be put together in other ways.
 * A Source, a Sink and an Examiner make a `relay`; docs/architecture.md shows how they fit.
 */
export * from './change.ts'
export { type Decoder, type DecoderOptions, recordDecoder } from './decode/decoder.ts'
export { type BatchLimits, batches, type Cut } from './deliver/batcher.ts'
export {
  type Examined,
  type ExamineOptions,
  type Examiner,
  examiner,
  type Learned,
  NotYet,
} from './deliver/examined.ts'
export * from './errors.ts'
export { SourceTables, type SourceTablesOptions } from './feeds/dms/source-tables.ts'
export { fileSource } from './ingest/file/source.ts'
export { kinesisSource } from './ingest/kinesis/source.ts'
export type { Page, Source, Start } from './ingest/source.ts'
export { Ledger } from './observe/ledger.ts'
export { type Log, SILENT } from './observe/log.ts'
export { logObserver } from './observe/log-observer.ts'
export { type Observer, observers } from './observe/observer.ts'
export * from './position.ts'
export { type RelayParts, relay } from './relay.ts'
export { jsonlSink } from './sinks/jsonl.ts'
export type { Sink, Write } from './sinks/sink.ts'
export type { Batch, Rewound, Written } from './batch.ts'
export { sqlSink } from './sinks/sql/sink.ts'
export { type RouteOptions, route } from './stages/route.ts'
export { fileStateStore } from './state/file.ts'
export type { StateStore } from './state/store.ts'
export type { Claim, RelayIdentity, Stored } from './batch.ts'
