import { generateKeyPairSync } from 'node:crypto'
import { AuthClient } from 'google-auth-library'

export type Account = 'rw' | 'ro'

/** An auth client that says who it is by a fixed token; it can't sign, as with workload identity. */
export class TokenClient extends AuthClient {
  readonly #token: string

  constructor(account: Account) {
    super()
    this.#token = account
  }

  async getAccessToken() {
    return { token: this.#token }
  }

  async getRequestHeaders() {
    return new Headers({ authorization: `Bearer ${this.#token}` })
  }

  async request<T>(options: Parameters<AuthClient['request']>[0]) {
    const headers = { ...options.headers, authorization: `Bearer ${this.#token}` }
    return this.transporter.request<T>({ ...options, headers })
  }
}

let key: string | undefined

/**
 * The JSON of a made-up service account, for `BIGQUERY_CREDENTIALS`. Its universe makes clients sign their tokens
 * themselves instead of asking Google for one; the proxy reads the account from them.
 */
export function serviceAccount(account: Account): string {
  key ??= generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({
    type: 'pkcs8',
    format: 'pem',
  }) as string
  return JSON.stringify({
    type: 'service_account',
    project_id: 'test-project',
    private_key_id: account,
    private_key: key,
    client_email: `${account}@test-project.iam.gserviceaccount.com`,
    client_id: '1',
    universe_domain: 'example.org',
  })
}
