"""The five documents that the project was asked to implement, statement by statement: each is a row that a test shows."""
