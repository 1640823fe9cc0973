"""The page for the lab bench: upload, live list, history and device health in a browser. Needs the extra `web`."""
