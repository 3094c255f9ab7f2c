"""What is told of a model as a whole: how it does now, its health, and the report that people look at.

Everything here reads what stands in the store and the stages' own answers, and keeps nothing.
"""
