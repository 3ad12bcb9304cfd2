import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { json } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { startKinesisEndpoint } from '../../support/kinesis/kinesis-endpoint.ts'
import { testDatabase } from '../../support/postgres/postgres.ts'
import { runProgram } from '../../support/processes/program.ts'
import { record } from './records.ts'

interface Attribute {
  readonly key: string
  readonly value: Readonly<Record<string, unknown>>
}

interface DataPoint {
  readonly attributes: readonly Attribute[]
  readonly asDouble?: number
  readonly asInt?: number | string
  readonly sum?: number
}

interface Metric {
  readonly name: string
  readonly unit?: string
  readonly sum?: { readonly dataPoints: readonly DataPoint[]; readonly isMonotonic: boolean }
  readonly gauge?: { readonly dataPoints: readonly DataPoint[] }
  readonly histogram?: { readonly dataPoints: readonly DataPoint[] }
}

interface Span {
  readonly name: string
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly attributes: readonly Attribute[]
}

interface Sent {
  readonly resourceMetrics?: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] }
    readonly scopeMetrics: readonly { readonly metrics: readonly Metric[] }[]
  }[]
  readonly resourceSpans?: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] }
    readonly scopeSpans: readonly { readonly spans: readonly Span[] }[]
  }[]
}

/** Takes OTLP as JSON, and keeps it. */
async function collector(t: TestContext) {
  const sent: Sent[] = []
  const server = createServer(async (request, response) => {
    sent.push((await json(request)) as Sent)
    response.writeHead(200, { 'Content-Type': 'application/json' }).end('{}')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, sent }
}

/** Drains a stream of an order that is written twice, another one, and a record that is none. */
async function drained(t: TestContext, env: Readonly<Record<string, string>>) {
  const kinesis = await startKinesisEndpoint()
  t.after(() => kinesis.close())
  const [shard] = kinesis.open(1) as [string]
  const database = await testDatabase(t)
  kinesis.put(shard, [record('orders', 'a', 1), record('orders', 'a', 2), record('orders', 'b', 3), 'no record'])
  const options = ['--source', kinesis.name, '--endpoint-url', kinesis.url, '--sink', database.url, '--until-latest']
  return await runProgram(['run', ...options], { cwd: tmpdir(), env })
}

const numberOf = ({ asDouble, asInt }: DataPoint): number => Number(asDouble ?? asInt)

test('metrics and a trace of each batch go where the OTEL_ variables say', async (t) => {
  const { url, sent } = await collector(t)
  const { code, stderr, stdout } = await drained(t, {
    OTEL_EXPORTER_OTLP_ENDPOINT: url,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    OTEL_SERVICE_NAME: 'orders-relay',
    OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test',
  })
  assert.equal(code, 0, stderr)
  const summary = JSON.parse(stdout) as { read: number; applied: number; superseded: number; batches: number }
  assert.equal(summary.read, 4)

  const resources = sent.flatMap(({ resourceMetrics = [], resourceSpans = [] }) => [
    ...resourceMetrics,
    ...resourceSpans,
  ])
  for (const { resource } of resources) {
    const told = Object.fromEntries(resource.attributes.map(({ key, value }) => [key, value.stringValue]))
    assert.equal(told['service.name'], 'orders-relay')
    assert.equal(told['deployment.environment.name'], 'test')
    assert.match(told['service.version'] as string, /^\d+\.\d+\.\d+/)
    assert.deepEqual(
      Object.keys(told).filter((key) => key.startsWith('process.')),
      [],
    )
  }

  // The last ones that came: what is sent at the end.
  const metrics = new Map(
    sent.flatMap(({ resourceMetrics = [] }) =>
      resourceMetrics.flatMap(({ scopeMetrics }) =>
        scopeMetrics.flatMap((scope) => scope.metrics.map((metric) => [metric.name, metric] as const)),
      ),
    ),
  )
  const total = (name: string): number =>
    metrics.get(name)!.sum!.dataPoints.reduce((sum, point) => sum + numberOf(point), 0)
  assert.equal(total('cdc_relay_read_changes'), 4)
  assert.equal(total('cdc_relay_received_records'), 4)
  assert.equal(total('cdc_relay_applied_changes'), summary.applied)
  assert.equal(total('cdc_relay_superseded_changes'), summary.superseded)
  assert.equal(total('cdc_relay_dead_lettered_changes'), 1)
  assert.equal(metrics.get('cdc_relay_lag_seconds')!.unit, 's')
  assert.equal(numberOf(metrics.get('cdc_relay_claimed')!.gauge!.dataPoints[0]!), 1)
  const [point] = metrics.get('cdc_relay_applied_changes')!.sum!.dataPoints
  assert.deepEqual(
    point!.attributes.map(({ key, value }) => [key, value.stringValue]),
    [
      ['cdc_relay.name', 'orders'],
      ['table', 'orders'],
    ],
  )
  assert.equal(metrics.get('cdc_relay_batch_changes')!.histogram!.dataPoints[0]!.sum, 4)

  const spans = sent.flatMap(({ resourceSpans = [] }) =>
    resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans)),
  )
  const batches = spans.filter(({ name }) => name === 'batch')
  assert.equal(batches.length, summary.batches)
  for (const batch of batches) {
    const phases = spans.filter(({ parentSpanId }) => parentSpanId === batch.spanId)
    assert.deepEqual(
      phases.map(({ name }) => name),
      ['wait', 'prepare', 'write', 'commit'],
    )
    assert.ok(phases.every(({ traceId }) => traceId === batch.traceId))
    for (const [i, phase] of phases.entries()) {
      assert.ok(BigInt(phase.startTimeUnixNano) <= BigInt(phase.endTimeUnixNano))
      if (i > 0) assert.equal(phase.startTimeUnixNano, phases[i - 1]!.endTimeUnixNano)
    }
  }
  const changes = batches.map(({ attributes }) =>
    Number(attributes.find(({ key }) => key === 'cdc_relay.batch.changes')!.value.intValue),
  )
  assert.equal(
    changes.reduce((sum, one) => sum + one, 0),
    4,
  )
  assert.doesNotMatch(JSON.stringify(sent), /secret|postgres:/)
})

test('a collector that is away is no trouble of the relay, and without the variables nothing is sent', async (t) => {
  const away = await drained(t, {
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1',
    OTEL_EXPORTER_OTLP_TIMEOUT: '500',
  })
  assert.equal(away.code, 0, away.stderr)
  assert.match(away.stderr, /Metrics and traces may get lost/)
  const { url, sent } = await collector(t)
  const disabled = await drained(t, { OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_SDK_DISABLED: 'true' })
  assert.equal(disabled.code, 0, disabled.stderr)
  assert.doesNotMatch(disabled.stderr, /OTEL_/)
  assert.deepEqual(sent, [])
})
