import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { lockFile } from '../../src/state/file-lock.ts'
import { startNode } from '../support/processes/node-process.ts'

test('a lock held by another process is refused with that process, and free at once when it is killed', async (t) => {
  const path = await lockPath(t)
  const holder = startNode(import.meta.resolve('./hold-lock.ts'), [path])
  t.after(holder.kill)
  for await (const line of holder.lines) if (line === 'locked') break

  await assert.rejects(lockFile(path), (error: Error & { code?: string }) => {
    assert.equal(error.code, 'STATE_HELD')
    assert.match(error.message, new RegExp(`process ${holder.child.pid} on host `))
    return true
  })
  await holder.kill()
  const lock = await lockFile(path)
  await lock.release()
})

test('a lock whose owner is just dying is waited for', async (t) => {
  const path = await lockPath(t)
  const dying = await lockFile(path)
  const next = lockFile(path)
  setTimeout(() => dying.release(), 300)
  await (await next).release()
})

test('two openers in one process exclude each other as well', async (t) => {
  const path = await lockPath(t)
  const lock = await lockFile(path)
  await assert.rejects(lockFile(path), { code: 'STATE_HELD' })
  await lock.release()
  await lock.release()
  await (await lockFile(path)).release()
})

test('the wait for a lock ends with the signal', async (t) => {
  const path = await lockPath(t)
  const lock = await lockFile(path)
  t.after(lock.release)
  await assert.rejects(lockFile(path, AbortSignal.abort()), { name: 'AbortError' })
})

test('what a lock file says means nothing without the lock', async (t) => {
  const path = await lockPath(t)
  await writeFile(path, 'process 1 on host elsewhere since 2026-01-01T00:00:00.000Z')
  const lock = await lockFile(path)
  await assert.rejects(lockFile(path), { message: new RegExp(`is locked by process ${process.pid} on`) })
  await lock.release()
})

test('a lock file that cannot be made is named', async (t) => {
  const path = join(await lockPath(t), 'below')
  await writeFile(join(path, '..'), '')
  await assert.rejects(lockFile(path), { code: 'STATE_BROKEN', message: new RegExp(path) })
})

async function lockPath(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'cdc-relay-lock-'))
  t.after(() => rm(folder, { recursive: true }))
  return join(folder, 'DIR.lock')
}
