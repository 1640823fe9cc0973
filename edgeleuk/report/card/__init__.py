"""A model card made of records only: `records` reads them, `sections` says what they say, `page` renders it.

No sentence stands here that no record says: each is made by `statements.say` from values that it fetches itself.
"""
