"""What crosses the wire: records, command envelopes, results, errors and identifiers. No framework, no I/O."""
