"""The ledger: attempt -> evidence -> confirmation -> score -> delivery. What is written is never edited, only superseded."""
