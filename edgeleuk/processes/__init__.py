"""Jobs in child processes that end with their parent: start, answer, timeout, and how one ended.

What a job does belongs to the package that asks for it.
"""
