"""One reader per kind of file: bytes in, columns of text out, every decision told."""
