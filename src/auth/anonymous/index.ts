import type { AuthProvider } from '../provider.ts'

/** Everybody may do everything. For one's own machine, or behind a gateway that decides. */
export default function anonymous(): AuthProvider {
  return {
    name: 'anonymous',
    open: true,
    authorize: async () => ({}),
  }
}
