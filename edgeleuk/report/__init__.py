"""Results for people: `text` for a terminal, `page` for HTML, Markdown and CSV, `search` for a search.

`card` is what records say of one model.

Nothing is measured or decided here.
"""
