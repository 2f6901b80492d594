"""Where work runs when it does not run here."""
