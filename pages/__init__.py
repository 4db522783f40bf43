"""What a colleague reads: event pages and their index, from a release."""
