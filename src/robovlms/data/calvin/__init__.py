"""CALVIN's folders."""
