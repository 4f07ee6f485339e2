/** What the system says when a file can't be written for want of room. */
export function isDiskFull(error: unknown): boolean {
  const code = (error as { code?: string } | null)?.code
  return code === 'ENOSPC' || code === 'EDQUOT'
}
