"""The page on which a person reviews a table: the rows in order, their images, the answers, and the server."""
