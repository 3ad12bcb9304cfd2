import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { deprecate } from 'node:util'
import { warningsIntoLog } from '../../src/observe/warnings.ts'
import { listening } from './said.ts'

test('warnings of Node.js and of the console come through the log, once each', async (t) => {
  const { log, said } = listening()
  const [consoleWarn, listeners] = [console.warn, process.listeners('warning')]
  const undo = warningsIntoLog(log)
  t.after(undo)
  const crowd = new EventEmitter()
  for (let i = 0; i < 11; i++) crowd.on('news', () => {})
  for (let i = 0; i < 2; i++) {
    process.emitWarning('NodeDeprecationWarning: use another', { type: 'NodeDeprecationWarning', code: 'OLD' })
    deprecate(() => {}, 'is old', 'DEP9')()
    console.warn('%s of %d', 'half', 2)
  }
  await nextTurn()
  undo()
  assert.deepEqual(
    said.map(({ level, fields, message }) => [level, fields.code, fields.warning, fields.of, message.slice(0, 40)]),
    [
      ['warn', 'WARNING', 'console', undefined, 'half of 2'],
      ['warn', 'WARNING', 'MaxListenersExceededWarning', undefined, 'Possible EventEmitter memory leak detect'],
      ['warn', 'WARNING', 'NodeDeprecationWarning', 'OLD', 'NodeDeprecationWarning: use another'],
      ['warn', 'WARNING', 'DeprecationWarning', 'DEP9', 'is old'],
    ],
  )
  assert.deepEqual([console.warn, process.listeners('warning')], [consoleWarn, listeners])
})
