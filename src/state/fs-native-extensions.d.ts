/** The package comes without types: what we use of it. */
declare module 'fs-native-extensions' {
  /** Locks the open file, unless another open file holds the lock: then false. */
  export function tryLock(fd: number): boolean
}
