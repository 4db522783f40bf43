"""Event studies of the sell-offs found: every test of `selloff.event_study` on the core tables."""
