import { test } from 'node:test'
import { type Row, toJson } from '../../../src/change.ts'
import { canonicalJson, row } from '../../support/changes.ts'
import type { Ability, SinkTarget, SinkTraits } from './target.ts'
import { type TestRelay, testRelay } from './test-relay.ts'

/** One sink under test, and how its cases are written. */
export interface Suite extends Required<SinkTraits> {
  readonly name: string
  readonly open: () => Promise<SinkTarget>
  /** A case of mirror mode; skipped where the sink lacks what it needs. */
  sink(title: string, run: (relay: TestRelay) => Promise<void>, needs?: Ability): void
  /** A case of append mode. */
  append(title: string, run: (relay: TestRelay) => Promise<void>): void
  /** Applied and superseded, as far as the target tells them apart. */
  counts(counted: readonly [applied: number, superseded: number]): number[]
  /** The row as the target gives it back. */
  kept(row: Row): string
}

export function suiteOf(name: string, open: () => Promise<SinkTarget>, traits: SinkTraits): Suite {
  const { lacks = {}, columnOf = (attribute) => attribute, bytesText = hex } = traits
  return {
    name,
    open,
    lacks,
    columnOf,
    bytesText,
    sink(title, run, needs) {
      const skip = (needs === undefined ? undefined : lacks[needs]) ?? false
      test(`${name}: ${title}`, { skip }, async (t) => run(await testRelay(t, open)))
    },
    append(title, run) {
      test(`${name}, append: ${title}`, async (t) => run(await testRelay(t, open, 'append')))
    },
    counts: ([applied, superseded]) =>
      lacks.tellsSuperseded === undefined ? [applied, superseded] : [applied + superseded],
    kept: (row) => canonicalJson(toJson(lacks.keepsNulls === undefined ? row : withoutNulls(row))),
  }
}

const withoutNulls = (all: Row): Row =>
  row(Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null)))

const hex = (bytes: Uint8Array): string => `\\x${Buffer.from(bytes).toString('hex')}`
