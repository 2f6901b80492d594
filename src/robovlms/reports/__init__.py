"""One offline HTML file for what was run."""
