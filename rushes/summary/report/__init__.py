"""`report.html`: one page that shows a dataset, and what its run came to.

All of it comes from `stats.json`, `export_summary.json` and the manifest, so it can be written again at any time.
"""
