import hooks from 'node:async_hooks'

/**
 * For `node --test --import`: `node:test` follows each promise from where it was made, to know which test an error belongs to that
 * nobody caught. So each `await` of the program costs more in a test than in a relay; here promises are left out.
 * The trap: such an error behind an `await` has no test. It fails the test file, and the log has its message without its test.
 */
const { createHook } = hooks
const untracked = { trackPromises: false }
Object.assign(hooks, {
  createHook: (callbacks: hooks.HookCallbacks) => createHook({ ...callbacks, ...untracked }),
})
