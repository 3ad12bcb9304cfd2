/** The package comes without types: what we use of it. */
declare module 'fs-native-extensions' {
  /** Locks the open file, unless another open file holds the lock: then false. Of shared locks a file may have any number. */
  export function tryLock(fd: number, options?: { readonly shared: boolean }): boolean
}
