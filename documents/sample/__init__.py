"""Real data that every machine has: Python's own standard library, broken into modules, definitions and methods.

- stdlib.py    which modules there are, and what one is made of; pure, on `ast`
- loading.py   the bucket, the objects, the collections, and the documents through the import pipeline
"""
