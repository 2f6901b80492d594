"""One file a command; heavy imports happen inside."""
