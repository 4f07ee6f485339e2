/** What an operation needs from the caller (contract §9.1). */
export type Permission = 'read' | 'create' | 'update' | 'delete'

/** Who calls, as far as the provider or the host that embeds the service knows. */
export interface Identity {
  id?: string
  name?: string
  [claim: string]: unknown
}

/** CKAN's record of a resource, as far as this service reads it. */
export interface CkanResource {
  id: string
  package_id?: string
  url_type?: string | null
  [property: string]: unknown
}

export interface CkanPackage {
  id: string
  [property: string]: unknown
}

/** One question: may this caller do this to that? Exactly one of `resourceId` and `packageId` is set. */
export interface Question {
  permission: Permission
  resourceId?: string
  packageId?: string
  /** The token as it came, without a `Bearer ` prefix. Never logged, never a cache key. */
  credential?: string
  /** A caller whom the embedding host already knows. */
  identity?: Identity
  signal?: AbortSignal
}

/** A yes. A no is thrown: `NotAuthorized`, `NotFound` or `ServiceUnavailable` of `core/errors.ts`. */
export interface Decision {
  identity?: Identity
  resource?: CkanResource
  package?: CkanPackage
}

/** A table that has changed, told to a provider that keeps a catalogue in step. */
export interface TableChange {
  kind: 'created' | 'written' | 'dropped'
  resourceId: string
  /** The Frictionless Table Schema after a `created`. */
  schema?: unknown
  credential?: string
  resource?: CkanResource
  signal?: AbortSignal
}

/**
 * Who may do what. A provider is a folder under `src/auth/` whose `index.ts` default-exports a factory; see
 * `auth/registry.ts`.
 */
export interface AuthProvider {
  readonly name: string
  /** Answers a question, or throws the denial. Must fail closed: when in doubt, throw. */
  authorize(question: Question): Promise<Decision>
  /**
   * True when this provider decides nothing: everybody may do everything. The service then guards against web pages
   * that drive a server on the reader's own machine (Host and Origin checks).
   */
  readonly open?: boolean
  /**
   * Makes the catalogue's record for `datastore_create` with `resource`, under a new id. Absent: that parameter is
   * refused. A caller who hangs up does not stop it: it must be known what was made.
   */
  createResource?(resource: Record<string, unknown>, question: Pick<Question, 'credential'>): Promise<CkanResource>
  /** Takes such a record back when its table could not be made. */
  deleteResource?(id: string, question: Pick<Question, 'credential'>): Promise<void>
  /** Keeps the catalogue in step after a stored write. Answers warnings; never throws. */
  tableChanged?(change: TableChange): Promise<string[]>
  /** Throws when the provider can't answer questions just now. One call serves all who ask meanwhile: nobody stops it. */
  healthcheck?(): Promise<void>
  close?(): Promise<void>
}
