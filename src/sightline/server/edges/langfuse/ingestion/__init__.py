"""The JSON ingestion of older SDKs."""
