import { ConfigurationError } from '../../../core/errors.ts'
import type { Session } from '../duckdb/client.ts'
import { quoteLiteral } from '../sql/quote.ts'

/** Says in a data path which catalog it belongs to. */
const CLAIM = 'ckan-datastore.json'

/**
 * Keeps a data path for one catalog. Maintenance deletes what its catalog does not know there, so another lake's files would be
 * deleted, and those that a copy of the catalog does not know yet, or any more.
 */
export class DataClaim {
  readonly #path: string
  readonly #identity: string

  /**
   * @param path - The data path; ends with `/`.
   * @param identity - Of the catalog.
   */
  constructor(path: string, identity: string) {
    this.#path = path
    this.#identity = identity
  }

  /** @throws ConfigurationError when the place is another catalog's. */
  async check(session: Session): Promise<void> {
    await this.#isOurs(session)
  }

  /**
   * Takes a place that is nobody's.
   *
   * @param isNew - The lake is still to be made: a place that holds anything is refused then.
   * @throws ConfigurationError when the place can't be taken.
   */
  async take(session: Session, isNew: boolean): Promise<void> {
    const isOurs = await this.#isOurs(session)
    if (isNew) await this.#checkUnused(session)
    if (isOurs) return
    const claim = `SELECT ${quoteLiteral(this.#identity)} AS catalog`
    await session.run(`COPY (${claim}) TO ${quoteLiteral(this.#path + CLAIM)} (FORMAT json)`)
  }

  async #isOurs(session: Session): Promise<boolean> {
    const file = this.#path + CLAIM
    // A name without a pattern would be taken for one that is there.
    const [found] = (await session.row(`FROM glob(${quoteLiteral(file.replace(/n$/, '[n]'))})`)) ?? []
    if (found === undefined) return false
    const [text] = (await session.row(`SELECT content FROM read_text(${quoteLiteral(file)})`)) ?? []
    const catalog = catalogIn(String(text))
    if (catalog === this.#identity) return true
    throw new ConfigurationError([
      `DUCKLAKE_DATA_PATH is ${this.#path}, which belongs to the catalog ${catalog}, and this one is ${this.#identity}: two catalogs ` +
        `delete each other's files. If nothing uses that one any more, delete ${file}.`,
    ])
  }

  async #checkUnused(session: Session): Promise<void> {
    const files = `SELECT file FROM glob(${quoteLiteral(`${this.#path}**`)}) WHERE file NOT LIKE ${quoteLiteral(`%/${CLAIM}`)} LIMIT 1`
    const [file] = (await session.row(files)) ?? []
    if (file === undefined) return
    throw new ConfigurationError([
      `DUCKLAKE_DATA_PATH is ${this.#path}, which is not empty (${file}): a new lake needs a place that no other lake, and nothing ` +
        'else, lies in.',
    ])
  }
}

function catalogIn(claim: string): string {
  try {
    return String((JSON.parse(claim) as { catalog: unknown }).catalog)
  } catch {
    return 'that its file does not name'
  }
}
