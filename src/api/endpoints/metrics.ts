import { NotFound } from '../../core/errors.ts'
import type { Context } from '../context.ts'
import type { Reply } from '../operation.ts'

/** `/metrics`, in the text format of Prometheus. */
export async function metrics({ service }: Context): Promise<Reply> {
  if (!service.metrics) throw new NotFound('There is nothing at this address.')
  const { contentType, body } = await service.metrics.text()
  return { status: 200, headers: { 'Content-Type': contentType }, body: new TextEncoder().encode(body) }
}
