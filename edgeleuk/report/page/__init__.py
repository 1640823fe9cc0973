"""The benchmark report as one HTML page, Markdown or CSV, with its pictures.

A search's part of it belongs in `edgeleuk.report.text.search`.
"""
