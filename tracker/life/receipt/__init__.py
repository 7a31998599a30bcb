"""Receipts: the runs of a life, what they were computed with, and the result, so that anybody can compute it again."""
