"""Results as text for a terminal.

Pages and files belong in `edgeleuk.report.page.page`.
"""
