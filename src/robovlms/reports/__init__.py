"""Reports: one offline HTML file and a terminal summary, made from the files a run left behind."""
