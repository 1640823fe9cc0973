"""Results for people: `text` for a terminal, `page` for HTML, Markdown and CSV, `search` for a search.

Nothing is measured or decided here.
"""
