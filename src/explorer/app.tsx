import { useEffect, useState } from 'preact/hooks'
import { isOpen, token } from './api/token.ts'
import { root, siteTitle, told } from './branding.ts'
import { route } from './route.ts'
import { SqlPage } from './sql/sql-page.tsx'
import { TablePage } from './tables/table-page.tsx'
import { TablesPage } from './tables/tables-page.tsx'
import { Empty } from './ui/notice.tsx'
import { TokenDialog } from './ui/token-dialog.tsx'

/** The explorer: a head, and the page that the address names. */
export function App() {
  const { page, id } = route.value
  useEffect(() => {
    const names = { tables: 'Tables', table: id, sql: 'SQL', unknown: 'Nothing here' }
    document.title = `${names[page]} – ${siteTitle}`
  }, [page, id])
  return (
    <>
      <a class="skip" href="#main" onClick={skip}>
        Skip to the content
      </a>
      <Header page={page} />
      <main id="main" tabIndex={-1}>
        {page === 'tables' && <TablesPage />}
        {page === 'table' && <TablePage key={id} id={id} />}
        {page === 'sql' && <SqlPage />}
        {page === 'unknown' && (
          <Empty title="There is nothing at this address">
            <a href="#/">See all tables</a>
          </Empty>
        )}
      </main>
    </>
  )
}

/** The address of the page stays as it is. */
function skip(event: Event): void {
  event.preventDefault()
  document.getElementById('main')?.focus()
}

function Header({ page }: { page: string }) {
  const [asking, setAsking] = useState(false)
  const current = (name: string) => (page === name ? { 'aria-current': 'page' as const } : {})
  return (
    <header class="site">
      <a class="brand" href="#/">
        {told.logo && <img src={told.logo} alt="" />}
        {siteTitle}
      </a>
      <a href="#/" {...current('tables')}>
        Tables
      </a>
      {told.sql === 'true' && (
        <a href="#/sql" {...current('sql')}>
          SQL
        </a>
      )}
      <a href={`${root}/docs`}>API</a>
      {!isOpen && (
        <button type="button" onClick={() => setAsking(true)}>
          {token.value ? 'Token ✓' : 'Token'}
        </button>
      )}
      {asking && <TokenDialog onClose={() => setAsking(false)} />}
    </header>
  )
}
