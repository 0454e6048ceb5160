"""The batch ingestion (JSON events) of older SDKs."""
