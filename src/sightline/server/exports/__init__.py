"""Scheduled, incremental exports of projects to object storage, as JSON, CSV or Parquet files."""
