"""The event store's schema: plain SQL files, run by each service's own Alembic revision."""
