import type { Suite } from './suite.ts'
export function describeUnclaimed(_: Suite): void {}
