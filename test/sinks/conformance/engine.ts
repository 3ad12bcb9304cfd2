import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { Batch, Facts, Written } from '../../../src/batch.ts'
import type { DeadLetter, TableName } from '../../../src/change.ts'
import type { Sink } from '../../../src/sinks/sink.ts'
import { batchOf, canonicalJson, unclaimedOf } from '../../support/changes.ts'
import { accounted } from './answers.ts'
import type { Suite } from './suite.ts'
import type { MirrorRow, SinkTarget } from './target.ts'
import { signal } from './test-relay.ts'

/** An engine of the test: it starts processes of one name, and gives each of them whatever it likes. */
export class Engine {
  readonly #target: SinkTarget
  readonly #mode: 'mirror' | 'append'
  /** True if the target is open in one process at a time: then each batch is written by a process of its own. */
  readonly #takeTurns: boolean
  readonly #processes = new Map<number, Promise<Sink>>()

  constructor(target: SinkTarget, mode: 'mirror' | 'append', takeTurns: boolean) {
    this.#target = target
    this.#mode = mode
    this.#takeTurns = takeTurns
  }

  /** The sink of a process, which stays open. */
  async process(number: number): Promise<Sink> {
    if (this.#takeTurns && !this.#processes.has(number)) await this.stop()
    const running = this.#processes.get(number) ?? this.#start()
    this.#processes.set(number, running)
    return await running
  }

  async #start(): Promise<Sink> {
    await this.#target.release?.()
    const sink = this.#target.sink(this.#mode, 'engine')
    const { positions } = await sink.open(unclaimedOf({ settings: { mode: this.#mode } }), signal())
    assert.equal(positions.size, 0)
    return sink
  }

  async write(process: number, parts: Partial<Batch>): Promise<Written> {
    const batch = batchOf(parts)
    const written = await (await this.process(process)).prepare(batch)(signal())
    assert.ok(written.kind === 'written')
    assert.equal(accounted(written), batch.changes.length, 'the counts add up')
    return written
  }

  /** Each process writes its batches one after the other, and all of them at once; where that cannot be, one process after the other. */
  async writeAll(queues: readonly (readonly Partial<Batch>[])[]): Promise<Written[]> {
    const writing: Promise<Written[]>[] = []
    for (const [process, batches] of queues.entries()) {
      writing.push(this.#writeInOrder(process, batches))
      if (this.#takeTurns) await writing.at(-1)
    }
    return (await Promise.all(writing)).flat()
  }

  async #writeInOrder(process: number, batches: readonly Partial<Batch>[]): Promise<Written[]> {
    const written: Written[] = []
    for (const batch of batches) written.push(await this.write(process, batch))
    return written
  }

  async readFacts(process: number): Promise<Facts> {
    return await (await this.process(process)).readFacts!()
  }

  /** Closes all processes. */
  async stop(): Promise<void> {
    const processes = [...this.#processes.values()]
    this.#processes.clear()
    for (const process of processes) await (await process).close()
  }

  async rows(table: TableName): Promise<MirrorRow[]> {
    await this.stop()
    return await this.#target.rows(table)
  }

  async log(table: TableName): Promise<string[]> {
    await this.stop()
    return (await this.#target.log(table)).map(canonicalJson)
  }

  async deadLetters(): Promise<Pick<DeadLetter, 'code' | 'detail' | 'raw'>[]> {
    await this.stop()
    return await this.#target.deadLetters()
  }

  async end(): Promise<void> {
    await this.stop()
    await this.#target.close()
  }
}

export async function testEngine(
  t: TestContext,
  { open, lacks }: Suite,
  mode: 'mirror' | 'append' = 'mirror',
): Promise<Engine> {
  const engine = new Engine(await open(), mode, lacks.hasSeveralWriters !== undefined)
  t.after(() => engine.end())
  return engine
}
