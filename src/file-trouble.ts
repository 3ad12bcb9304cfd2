/** What to do about what the operating system says of a file, by its code. */
const WORDS: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full; make room, then start the relay again',
  EDQUOT: 'the quota of the user is used up; make room, then start the relay again',
  EFBIG: 'the file is as large as this process may make one (`ulimit -f`)',
  EROFS: 'the file system is read-only; name another place',
  EACCES: 'the user that the relay runs as may not do that; change the owner or the mode of the file and its folder',
  EPERM: 'the user that the relay runs as may not do that; change the owner or the mode of the file and its folder',
  ENOENT: 'the file or its folder is not there; make the folder, or name another place',
  ENOTDIR: 'a part of its path is no folder',
  EISDIR: 'it is a folder',
  EMFILE: 'this process may not open more files (`ulimit -n`)',
  EIO: 'the disk or the network behind it failed',
  ESTALE: 'the disk or the network behind it failed',
}

/** Why a file cannot be read or written, in words without what is in it. */
export function fileTrouble(cause: unknown): string {
  if (cause instanceof SyntaxError) return 'it is not JSON'
  const { code = 'unknown', name, syscall } = cause as NodeJS.ErrnoException
  if (syscall === undefined) return name
  return `${code}, ${Object.hasOwn(WORDS, code) ? WORDS[code] : `${syscall} failed`}`
}
