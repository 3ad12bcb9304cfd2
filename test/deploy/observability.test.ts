import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parser } from '@prometheus-io/lezer-promql'
import { parse } from 'yaml'
import { metricsScene } from '../http/metrics-scene.ts'

const FOLDER = join(import.meta.dirname, '../../deploy/observability')

interface Rule {
  readonly alert: string
  readonly expr: string
  readonly labels: { readonly severity: string }
  readonly annotations: { readonly summary: string; readonly description: string }
}

interface Panel {
  readonly id: number
  readonly title: string
  readonly type: string
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly targets: readonly { readonly expr: string; readonly legendFormat: string }[]
}

interface Dashboard {
  readonly panels: readonly Panel[]
  readonly annotations: { readonly list: readonly { readonly expr: string; readonly titleFormat: string }[] }
  readonly templating: { readonly list: readonly { readonly name: string; readonly definition?: string }[] }
}

const { groups } = parse(readFileSync(join(FOLDER, 'alerts.yml'), 'utf8')) as {
  readonly groups: readonly { readonly rules: readonly Rule[] }[]
}
const rules = groups.flatMap((group) => group.rules)
const dashboard = JSON.parse(readFileSync(join(FOLDER, 'grafana-dashboard.json'), 'utf8')) as Dashboard

/** What Prometheus adds to each sample, and what it says itself. */
const OF_PROMETHEUS = ['job', 'instance']
const UP: readonly [string, ReadonlySet<string>] = ['up', new Set(OF_PROMETHEUS)]

interface Selector {
  readonly metric: string
  readonly labels: readonly string[]
}

/** What an expression selects, and the labels that it groups by. @throws AssertionError if it is no PromQL */
function namedIn(expr: string): { readonly selectors: readonly Selector[]; readonly grouping: readonly string[] } {
  // Grafana's own, which becomes a duration.
  const text = expr.replaceAll('$__rate_interval', '5m')
  const selectors: { metric: string; labels: string[] }[] = []
  const grouping: string[] = []
  let isGrouping = false
  parser.parse(text).iterate({
    enter({ name, from, to, type }) {
      assert.ok(!type.isError, `no PromQL from ${from} on: ${text}`)
      const word = text.slice(from, to)
      if (name === 'VectorSelector') selectors.push({ metric: '', labels: [] })
      else if (name === 'Identifier') selectors.at(-1)!.metric = word
      else if (name === 'GroupingLabels') isGrouping = true
      else if (name === 'LabelName') (isGrouping ? grouping : selectors.at(-1)!.labels).push(word)
    },
    leave({ name }) {
      if (name === 'GroupingLabels') isGrouping = false
    },
  })
  return { selectors, grouping }
}

/** Metric, as it is named in a query, → the labels that its samples may have. */
async function exposed(): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const { observer, labelsOf } = metricsScene()
  const batch = { read: 1, bytes: 1, changes: [], deadLetters: [], skips: new Map(), positions: new Map() }
  observer.wrote(batch, { kind: 'written', tables: new Map() }, { waitMs: 1, prepareMs: 1, writeMs: 1 })
  const series = Array.from(await labelsOf()).flatMap(([name, labels]): [string, ReadonlySet<string>][] => {
    const all = new Set([...labels, ...OF_PROMETHEUS])
    const names = labels.has('le') ? ['_bucket', '_sum', '_count'].map((suffix) => name + suffix) : [name]
    return names.map((one) => [one, all])
  })
  return new Map([...series, UP])
}

/** That each metric and label of an expression is there. Returns the labels that its result may have. */
function requireThere(expr: string, there: ReadonlyMap<string, ReadonlySet<string>>): ReadonlySet<string> {
  const { selectors, grouping } = namedIn(expr)
  assert.ok(selectors.length > 0, expr)
  const of = selectors.map(({ metric, labels }) => {
    const known = there.get(metric)
    assert.ok(known !== undefined, `no metric ${metric}: ${expr}`)
    for (const label of labels) assert.ok(known.has(label), `${metric} has no label ${label}: ${expr}`)
    return known
  })
  for (const label of grouping)
    assert.ok(
      of.every((known) => known.has(label)),
      `nothing has the label ${label}: ${expr}`,
    )
  return grouping.length > 0 ? new Set(grouping) : new Set(of.flatMap((known) => [...known]))
}

test('each alert is PromQL, and what it names is there', async () => {
  const there = await exposed()
  assert.equal(new Set(rules.map(({ alert }) => alert)).size, rules.length)
  for (const { alert, expr, labels, annotations } of rules) {
    const result = requireThere(expr, there)
    assert.match(labels.severity, /^(warning|critical)$/, alert)
    for (const text of Object.values(annotations)) {
      for (const [, label] of text.matchAll(/\$labels\.(\w+)/g)) assert.ok(result.has(label!), `${alert}: ${label}`)
    }
  }
})

test('there is an alert for each check of readiness', async () => {
  const checks = (await metricsScene().read()).get('cdc_relay_check_ok')!.samples.map(({ labels }) => labels.check!)
  for (const check of checks)
    assert.ok(
      rules.some(({ expr }) => expr.includes(`check="${check}"`)),
      check,
    )
})

test('each query of the dashboard is PromQL, and what it names is there', async () => {
  const there = await exposed()
  const queries = dashboard.panels.flatMap(({ targets }) =>
    targets.map(({ expr, legendFormat }) => ({ expr, legend: legendFormat })),
  )
  const annotations = dashboard.annotations.list.map(({ expr, titleFormat }) => ({ expr, legend: titleFormat }))
  for (const { expr, legend } of [...queries, ...annotations]) {
    const result = requireThere(expr, there)
    for (const [, label] of legend.matchAll(/\{\{(\w+)\}\}/g)) assert.ok(result.has(label!), `${legend}: ${expr}`)
  }
  const [, metric, label] = /^label_values\((\w+), (\w+)\)$/.exec(
    dashboard.templating.list.find(({ name }) => name === 'relay')!.definition!,
  )!
  assert.ok(there.get(metric!)!.has(label!))
})

test('no two panels of the dashboard lie on each other', () => {
  const taken = new Set<string>()
  for (const {
    title,
    gridPos: { x, y, w, h },
  } of dashboard.panels) {
    assert.ok(x + w <= 24, title)
    for (let column = x; column < x + w; column++) {
      for (let row = y; row < y + h; row++) {
        assert.ok(!taken.has(`${column} ${row}`), title)
        taken.add(`${column} ${row}`)
      }
    }
  }
  assert.equal(new Set(dashboard.panels.map(({ id }) => id)).size, dashboard.panels.length)
})

const hasPromtool = spawnSync('promtool', ['--version']).status === 0

test('promtool: the rules fire when they should', { skip: !hasPromtool && 'promtool is not there' }, () => {
  const rulesFile = join(import.meta.dirname, 'alerts.promtool.yml')
  const { status, stdout, stderr } = spawnSync('promtool', ['test', 'rules', rulesFile], { encoding: 'utf8' })
  assert.equal(status, 0, stdout + stderr)
})
