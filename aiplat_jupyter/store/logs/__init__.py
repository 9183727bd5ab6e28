"""Logs that tasks write, and the index that makes any part of them quick to find.

A *block* is about 64 KiB of whole lines, or one long line. The index has a row for each block and seven bytes for each
line that has a level; it is kept in ``.index/`` beside the log, where all but the times can be made again from the log:

``{stream}.blocks``  a header, then a row per closed block (`blocks.BLOCK`)
``{stream}.hits``    a row per line with a level (`levels.HIT`), grouped by block
``{stream}.times``   a header, then how long the file was at which time, at most one a second (`times.TIME`)
``{stream}.lock``    held by the one process that writes these files; any other keeps its index in memory

``*.order``, ``*.names``  in which order the lines of all ranks came (`order`), where there are several; no text

What follows the last closed block is read again when it is needed.
"""
