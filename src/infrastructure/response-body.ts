import { joinBytes } from '../core/bytes.ts'

/** An answer has more bytes than it may. */
export class AnswerTooLarge extends Error {
  constructor(mostBytes: number) {
    super(`the answer is larger than ${mostBytes / (1024 * 1024)} MB`)
    this.name = 'AnswerTooLarge'
  }
}

/**
 * The bytes of an answer, counted as they come in.
 *
 * @throws AnswerTooLarge as soon as there are more; the rest is not read.
 */
export async function readAtMost({ body }: Response, mostBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = []
  let length = 0
  const reader = body?.getReader()
  for (;;) {
    const { done, value } = (await reader?.read()) ?? { done: true }
    if (done) break
    length += value.length
    if (length > mostBytes) {
      reader?.cancel().catch(() => {})
      throw new AnswerTooLarge(mostBytes)
    }
    chunks.push(value)
  }
  return joinBytes(chunks)
}
