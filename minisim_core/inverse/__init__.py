"""What analysis must undo, and small readable ways to undo it: teaching instruments on plain arrays."""
