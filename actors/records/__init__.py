"""What remains of a call: its detail record, the file of records, the journal of running calls."""
