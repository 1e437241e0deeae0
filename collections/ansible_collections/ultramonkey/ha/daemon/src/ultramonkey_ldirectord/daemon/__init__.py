"""The process that checks and keeps the table right."""
