from tests.store.databases import database, empty_file, postgres_host, postgres_url, sqlite_url, url

__all__ = ["database", "empty_file", "postgres_host", "postgres_url", "sqlite_url", "url"]
