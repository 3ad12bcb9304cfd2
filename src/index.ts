/**
 * cdc-relay as a library: a relay moves the row changes of a source into a sink.
 *
 *   const relay = await openRelay({
 *     name: 'orders',
 *     source: kinesisSource({ stream: 'orders-changes' }),
 *     sink: sqlSink({ url: 'postgresql://relay@db/shop' }),
 *   })
 *   await relay.run(signal)
 *   await relay.close()
 *
 * Each part can be one's own: a `Source`, a `Decoder`, a `Stage`, an `Emitter` (which `withState` makes a sink of), a
 * `StateStore`, an `Observer`. `examples/library/` has a source, a stage and an emitter. Under an engine that keeps the
 * positions itself (AWS Lambda, the KCL) the source is a `pushedSource`, and `relay.deliver` or its `push` takes what the engine
 * gives. Failures that are foreseen are a `RelayError`, whose `code` docs/errors.md explains.
 */
export type * from './batch.ts'
export * from './change.ts'
export { type Decoder, type DecoderOptions, recordDecoder } from './decode/decoder.ts'
export { FAILURES, type FailureCode, RelayError } from './errors.ts'
export { openSource } from './ingest/by-url.ts'
export type { NamedSource, SourceSettings, SourceSurroundings } from './ingest/entry.ts'
export { type FileSourceOptions, fileSource } from './ingest/file/source.ts'
export { openAggregated } from './ingest/kinesis/aggregated.ts'
export { type KinesisSourceOptions, kinesisSource } from './ingest/kinesis/source.ts'
export type { Pushed, PushOptions } from './ingest/push.ts'
export { type PushedSource, type PushedStream, pushedSource } from './ingest/pushed.ts'
export type { Page, Source, Start } from './ingest/source.ts'
export { Lag } from './observe/lag.ts'
export { Ledger } from './observe/ledger.ts'
export { type Log, SILENT } from './observe/log.ts'
export { logObserver } from './observe/log-observer.ts'
export { type Observer, observers } from './observe/observer.ts'
export { openRelay, type RelayOptions, type TablesOptions } from './open-relay.ts'
export { type Position, type Positions, SHARD_END, type StreamIdentity, TRIM_HORIZON } from './position.ts'
export type { Relay } from './relay.ts'
export { openSink } from './sinks/by-url.ts'
export type { Emitter, Needs } from './sinks/emitter.ts'
export type { SinkSettings, SinkSurroundings } from './sinks/entry.ts'
export { type GpssOptions, gpssEmitter } from './sinks/gpss/emitter.ts'
export { type JsonlOptions, jsonlEmitter } from './sinks/jsonl.ts'
export type { Sink, Write } from './sinks/sink.ts'
export { sqlSink } from './sinks/sql/sink.ts'
export type { SqlSinkOptions } from './sinks/sql/sink-options.ts'
export { openPostgresqlStateStore } from './sinks/sql/state-entry.ts'
export type { TargetRules } from './sinks/tables/rules.ts'
export { withState } from './sinks/with-state.ts'
export { type RouteOptions, route } from './stages/route.ts'
export type { Stage } from './stages/stage.ts'
export { type DynamodbStateOptions, dynamodbStateStore } from './state/dynamodb.ts'
export { fileStateStore } from './state/file.ts'
export type { Seen, SeenHolder, SeenLetters, SeenTable, SeenTarget } from './state/seen.ts'
export type { SharedFacts, StateStore } from './state/store.ts'
